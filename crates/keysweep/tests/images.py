"""Makes container images as `docker save` and OCI tools write them: images.py FOLDER, which holds 1.pem to 5.pem."""

import gzip, hashlib, io, json, os, subprocess, sys, tarfile

folder = sys.argv[1]
pem = {n: open(f"{folder}/{n}.pem", "rb").read() for n in "12345"}


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/dev/null"
                archive.addfile(info)
                continue
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def digest(content):
    return hashlib.sha256(content).hexdigest()


layers = [
    tar({"app/deleted.pem": pem["1"], "app/replaced.pem": pem["2"], "app/hidden/key.pem": pem["3"], "app/kept.pem": pem["4"]}),
    tar({"app/readme.txt": b"nothing\n"}),
    tar({"app/.wh.deleted.pem": b"", "app/replaced.pem": None, "app/hidden/.wh..wh..opq": b""}),
]
config = json.dumps({
    "created": "2026-01-01T00:00:00Z",
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["PATH=/bin", "SIGNING_KEY=" + pem["5"].decode()]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer) for layer in layers]},
    "history": [
        {"created_by": "COPY keys /app # buildkit"},
        {"created_by": "ENV SIGNING_KEY=" + pem["5"].decode(), "empty_layer": True},
        {"created_by": "RUN /bin/sh -c echo nothing > /app/readme.txt"},
        {"created_by": "RUN |1 MODE=quiet /bin/sh -c rm /app/deleted.pem"},
    ],
}).encode()


def zstd(content):
    return subprocess.run(["zstd", "-q", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout


def save(name, files):
    with open(f"{folder}/{name}", "wb") as out:
        out.write(tar(files))


# `docker save` up to version 24.
names = [digest(layer)[:12] + "/layer.tar" for layer in layers]
old = {digest(config) + ".json": config}
for name, layer in zip(names, layers):
    old[name] = layer
manifest = [{"Config": digest(config) + ".json", "RepoTags": ["demo:1"], "Layers": names}]
old["manifest.json"] = json.dumps(manifest).encode()
save("old.tar", old)
with open(f"{folder}/old.tar", "rb") as source, gzip.open(f"{folder}/packed.tar.gz", "wb") as out:
    out.write(source.read())


def layout(pack):
    """The files of an OCI layout."""
    packed = [pack(layer) for layer in layers]
    manifest = json.dumps({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + digest(config), "size": len(config)},
        "layers": [{"digest": "sha256:" + digest(layer), "size": len(layer)} for layer in packed],
    }).encode()
    entry = {"digest": "sha256:" + digest(manifest), "size": len(manifest), "annotations": {"org.opencontainers.image.ref.name": "demo:1"}}
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()}
    for blob in [config, manifest, *packed]:
        files["blobs/sha256/" + digest(blob)] = blob
    return files


# `docker save` from version 25 on: an OCI layout with plain layers, and the old list beside.
plain = layout(lambda layer: layer)
new = [{"Config": "blobs/sha256/" + digest(config), "RepoTags": ["demo:1"], "Layers": ["blobs/sha256/" + digest(layer) for layer in layers]}]
save("new.tar", {**plain, "manifest.json": json.dumps(new).encode()})
for name, pack in [("gz", gzip.compress), ("zst", zstd)]:
    files = layout(pack)
    save(f"oci-{name}.tar", files)
    for path, content in files.items():
        path = f"{folder}/oci-{name}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)
