"""The same PEM as it is found in configuration, source code and binary files."""

import base64
import html
import json
import os
import re
import textwrap

from .forest import run


def _lines(text, form):
    return "".join(form.format(line) for line in text.splitlines())


def variants(tree):
    for key in (tree.key("RSA", 2048), tree.key("P-256")):
        pem = key.path.read_text()
        flat = pem.strip().replace("\n", "\\n")
        label = "wrapped/" + key.algorithm.lower().replace("-", "")
        body = "".join(pem.splitlines()[1:-1])
        wide = "".join(f"{b:02x}," for b in pem.encode("utf-16-le")).rstrip(",")

        def add(name, data, note, format="PKCS#8 PEM"):
            tree.add(f"{label}/{name}", data, format, key, note=note)

        add("crlf.pem", pem.replace("\n", "\r\n"), "CRLF line ends")
        add("cr.pem", pem.replace("\n", "\r"), "bare CR line ends")
        add("config.yaml", "tls:\n  key: |\n" + _lines(pem, "    {}\n") + "  port: 443\n", "indented in YAML")
        add("quoted.yaml", f'tls:\n  key: "{flat}\\n"\n', "escaped in a YAML string")
        add("folded.yaml", "tls:\n  key: >-\n" + _lines(pem, "    {}\n\n"), "folded YAML, empty lines between")
        add("config.json", json.dumps({"key": pem}), "escaped in JSON")
        add("nested.json", json.dumps({"config": json.dumps({"key": pem})}), "escaped twice")
        add("dot.env", f'KEY="{flat}"\n', "escaped in .env")
        add("single.env", f"KEY='{pem.strip().replace(chr(10), ' ')}'\n", "one line with spaces")
        add("joined.env", "KEY=" + pem.replace("\n", "") + "\n", "one line without separators")
        add("base64.txt", base64.b64encode(pem.encode()).decode() + "\n", "base64 of PEM")
        add("secret.yaml", "apiVersion: v1\nkind: Secret\ndata:\n  tls.key: " + base64.b64encode(pem.encode()).decode() + "\n",
            "Kubernetes secret")
        add("base64-wrapped.txt", base64.encodebytes(pem.encode()), "base64 of PEM, wrapped")
        add("utf16le.pem", b"\xff\xfe" + pem.encode("utf-16-le"), "UTF-16LE with BOM")
        add("utf16be.pem", b"\xfe\xff" + pem.encode("utf-16-be"), "UTF-16BE with BOM")
        add("utf8-bom.pem", b"\xef\xbb\xbf" + pem.encode(), "UTF-8 with BOM")
        add("export.reg", ("Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Throwaway]\r\n"
            f"\"Key\"=\"{pem.strip().replace(chr(10), chr(92) + 'r' + chr(92) + 'n')}\"\r\n").encode("utf-16"), "registry export")
        add("page.html", f"<pre>{html.escape(pem).replace('/', '&#x2F;').replace('+', '&#43;')}</pre>\n", "HTML escapes")
        add("breaks.html", "<p>" + pem.replace("\n", "<br>\n") + "</p>\n", "HTML line breaks")
        add("source.py", "KEY = (\n" + _lines(pem, "    '{}\\n'\n") + ")\n", "Python string over lines")
        add("source.js", "const key = " + " +\n  ".join(f'"{line}\\n"' for line in pem.splitlines()) + ";\n",
            "JavaScript concatenation")
        add("source.java", "String key = " + "\n    + ".join(f'"{line}\\r\\n"' for line in pem.splitlines()) + ";\n",
            "Java concatenation")
        add("source.c", "static const char key[] =\n" + _lines(pem, '    "{}\\n"\n') + "    ;\n", "C string literals")
        add("source.go", "var key = []byte(`" + pem + "`)\n", "Go raw string")
        add("comment.sh", _lines(pem, "# {}\n"), "commented out")
        add("mail.txt", _lines(pem, "> {}\n"), "quoted in a mail")
        add("change.diff", "--- a/key.pem\n+++ b/key.pem\n@@ -0,0 +1,28 @@\n" + _lines(pem, "+{}\n"), "added in a diff")
        add("log.txt", _lines(pem, "2026-01-01T00:00:00Z app[1]: {}\n"), "a log line each")
        add("narrow.pem", pem.splitlines()[0] + "\n" + "\n".join(textwrap.wrap(body, 48)) + "\n" + pem.splitlines()[-1] + "\n",
            "48 columns")
        add("long.pem", f"{pem.splitlines()[0]}\n{body}\n{pem.splitlines()[-1]}\n", "one long line")
        add("attributes.pem", "Bag Attributes\n    friendlyName: throwaway\nKey Attributes: <No Attributes>\n" + pem,
            "bag attributes before")
        add("no-end.pem", pem[: pem.rindex("-----END")], "end line lost")
        add("no-newline.pem", pem.rstrip("\n"), "no newline at the end")
        add("url.txt", "key=" + re.sub(r"[^\w.-]", lambda m: f"%{ord(m.group()):02X}", pem) + "&a=b\n", "URL encoding")
        add("headerless.txt", body + "\n", "base64 DER without PEM lines", "base64 DER")
        add("property.properties", f"signing.key={body}\n", "base64 DER in a property", "base64 DER")
        data = run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", key.path, "-outform", "DER")
        add("hex.txt", data.hex() + "\n", "hexadecimal DER", "hex DER")
        add("embedded.bin", os.urandom(4097) + data + os.urandom(2048), "DER at an odd offset in random bytes", "PKCS#8 DER")
        add("embedded-pem.bin", os.urandom(1023) + pem.encode() + os.urandom(777), "PEM in random bytes")
        add("wide.bin", os.urandom(1001) + pem.encode("utf-16-le") + os.urandom(333), "UTF-16LE in random bytes, odd offset")
        add("two.pem", pem + tree.key("Ed25519").path.read_text(), "two keys in a file")
        tree.files[-1]["spki_sha256"].append(tree.key("Ed25519").spki_sha256)
        tree.files[-1]["ssh_sha256"].append(tree.key("Ed25519").ssh)
        tree.files[-1]["algorithm"] += "+Ed25519"


PARTS = [variants]
