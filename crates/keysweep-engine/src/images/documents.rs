//! The documents of an image: which layers it has, in which order, and what made them.

use serde_json::Value;
use std::collections::HashMap;

/// How deep lists of images are followed.
const MAX_DEPTH: usize = 4;
/// Images and layers that are told apart.
const MAX_IMAGES: usize = 1000;
const MAX_LAYERS: usize = 1000;
/// Characters of a command that are shown.
const MAX_COMMAND: usize = 100;

/// An image.
pub(super) struct Image {
    pub(super) name: Option<String>,
    /// The lowest first.
    pub(super) layers: Vec<Layer>,
}

pub(super) struct Layer {
    /// The file that it is kept in.
    pub(super) name: String,
    pub(super) digest: Option<String>,
    pub(super) command: Option<Command>,
}

/// What made a layer.
#[derive(Clone)]
pub(super) struct Command {
    /// Its place below the image, when it is searched.
    pub(super) place: String,
    /// Without values that are set in it.
    pub(super) shown: String,
}

/// The images that the documents describe, by the names of their files.
pub(super) fn images(documents: &HashMap<String, Value>) -> Vec<Image> {
    let mut images = Vec::new();
    if let Some(list) = documents.get("manifest.json").and_then(Value::as_array) {
        images.extend(list.iter().take(MAX_IMAGES).filter_map(|entry| saved(entry, documents)));
    }
    if let Some(index) = documents.get("index.json") {
        listed(index, None, documents, MAX_DEPTH, &mut images);
    }
    images
}

/// An image of `docker save`.
fn saved(entry: &Value, documents: &HashMap<String, Value>) -> Option<Image> {
    let config_name = entry["Config"].as_str()?;
    let layers = entry["Layers"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let name = entry["RepoTags"][0].as_str().map(str::to_owned);
    Some(image(name, layers, config_name, documents))
}

/// The images of an OCI index.
fn listed(
    index: &Value,
    name: Option<&str>,
    documents: &HashMap<String, Value>,
    depth: usize,
    images: &mut Vec<Image>,
) {
    let entries = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    for entry in entries.iter().take(MAX_IMAGES) {
        if images.len() >= MAX_IMAGES {
            return;
        }
        let notes = &entry["annotations"];
        let own =
            ["io.containerd.image.name", "org.opencontainers.image.ref.name"].iter().find_map(|n| notes[n].as_str());
        let name = own.or(name);
        let Some(manifest) = blob(&entry["digest"]).and_then(|blob| documents.get(&blob)) else { continue };
        if manifest["manifests"].is_array() && depth > 0 {
            listed(manifest, name, documents, depth - 1, images);
        } else if let (Some(layers), Some(config)) =
            (manifest["layers"].as_array(), blob(&manifest["config"]["digest"]))
        {
            let layers = layers.iter().filter_map(|layer| blob(&layer["digest"])).collect();
            images.push(image(name.map(str::to_owned), layers, &config, documents));
        }
    }
}

/// Where the blob with a digest is kept.
fn blob(digest: &Value) -> Option<String> {
    let (algorithm, hex) = digest.as_str()?.split_once(':')?;
    Some(format!("blobs/{algorithm}/{hex}"))
}

fn image(name: Option<String>, layers: Vec<String>, config_name: &str, documents: &HashMap<String, Value>) -> Image {
    let nothing = Value::Null;
    let config = documents.get(config_name).unwrap_or(&nothing);
    let commands = commands(config, config_name);
    let layers = layers.into_iter().take(MAX_LAYERS).enumerate().map(|(index, name)| Layer {
        digest: digest(&name).or_else(|| config["rootfs"]["diff_ids"][index].as_str().map(str::to_owned)),
        command: commands.get(index).cloned().flatten(),
        name,
    });
    Image { name: name.map(|name| name.chars().take(200).collect()), layers: layers.collect() }
}

/// The digest by which a blob is named.
fn digest(name: &str) -> Option<String> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    Some(format!("{algorithm}:{hex}"))
}

/// The commands that made layers, one for each layer.
fn commands(config: &Value, config_name: &str) -> Vec<Option<Command>> {
    let history = config["history"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Members of the opened configuration are numbered over all entries that have a command.
    let mut number = 0;
    let mut commands = Vec::new();
    for entry in history.iter().take(10 * MAX_LAYERS) {
        let command = entry["created_by"].as_str().map(|text| {
            let place = format!("{config_name}!/history/{number}");
            number += 1;
            Command { place, shown: shown(text) }
        });
        if entry["empty_layer"].as_bool() != Some(true) {
            commands.push(command.filter(|command| !command.shown.is_empty()));
        }
    }
    commands
}

/// The command, short, and without what is set in it or handed to servers.
fn shown(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match word.split_once('=') {
        Some((name, value)) if !value.is_empty() => format!("{name}=…"),
        _ if word.contains('@') && word.contains("://") => "…".to_owned(),
        _ => word.to_owned(),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    let text = text.strip_prefix("/bin/sh -c #(nop) ").unwrap_or(&text);
    match text.char_indices().nth(MAX_COMMAND) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn documents(list: &[(&str, Value)]) -> HashMap<String, Value> {
        list.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn layers_and_what_made_them() {
        let config = json!({
            "rootfs": { "type": "layers", "diff_ids": ["sha256:11", "sha256:22"] },
            "history": [
                { "created_by": "/bin/sh -c #(nop) COPY dir:1 in /app" },
                { "created_by": "ENV TOKEN=abc", "empty_layer": true },
                { "comment": "no command" },
            ],
        });
        let saved = json!([{ "Config": "c.json", "RepoTags": ["a:1"], "Layers": ["x/layer.tar", "y/layer.tar"] }]);
        let images = images(&documents(&[("manifest.json", saved), ("c.json", config)]));
        assert_eq!((images.len(), images[0].name.as_deref(), images[0].layers.len()), (1, Some("a:1"), 2));
        let first = &images[0].layers[0];
        let command = first.command.as_ref().unwrap();
        assert_eq!((first.digest.as_deref(), command.shown.as_str()), (Some("sha256:11"), "COPY dir:1 in /app"));
        assert_eq!(command.place, "c.json!/history/0");
        assert!(images[0].layers[1].command.is_none());
    }

    #[test]
    fn lists_of_images_are_followed_to_a_depth() {
        let entry = |digest: &str| json!({ "manifests": [{ "digest": digest }] });
        let manifest = json!({ "config": { "digest": "sha256:cc" }, "layers": [{ "digest": "sha256:dd" }] });
        let all = documents(&[
            ("index.json", entry("sha256:aa")),
            ("blobs/sha256/aa", entry("sha256:bb")),
            ("blobs/sha256/bb", manifest),
        ]);
        assert_eq!(images(&all)[0].layers[0].name, "blobs/sha256/dd");
        // One that lists itself.
        let endless = documents(&[("index.json", entry("sha256:aa")), ("blobs/sha256/aa", entry("sha256:aa"))]);
        assert!(images(&endless).is_empty());
    }

    #[test]
    fn commands_are_shown_without_values() {
        assert_eq!(shown("RUN |1 TOKEN=abc /bin/sh -c make"), "RUN |1 TOKEN=… /bin/sh -c make");
        assert_eq!(shown("RUN git clone https://u:p@host/x"), "RUN git clone …");
        assert!(shown(&"ä ".repeat(1000)).chars().count() <= MAX_COMMAND + 1);
    }
}
