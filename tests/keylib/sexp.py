"""S-expressions as GnuPG stores them: the text form of extended key files, and the canonical form."""

import re


def parse(text):
    """An S-expression in GnuPG's text form as nested lists of byte strings."""
    tokens = re.findall(rb"\(|\)|#[0-9A-Fa-f\s]*#|\"(?:[^\"\\]|\\.)*\"|[^\s()#\"]+", text)
    stack = [[]]
    for token in tokens:
        if token == b"(":
            stack.append([])
        elif token == b")":
            done = stack.pop()
            stack[-1].append(done)
        elif token[:1] == b"#":
            stack[-1].append(bytes.fromhex(b"".join(token[1:-1].split()).decode()))
        else:
            stack[-1].append(token.strip(b'"'))
    return stack[0][0]


def canonical(node):
    """The canonical form: lengths before bytes, no spaces."""
    if isinstance(node, list):
        return b"(" + b"".join(map(canonical, node)) + b")"
    return b"%d:%s" % (len(node), node)


def key_file(data):
    """The S-expression of a `private-keys-v1.d` file in extended format."""
    start = re.search(rb"^Key:", data, re.M).end()
    return parse(data[start:])
