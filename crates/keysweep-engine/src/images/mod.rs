//! Container images: in which layer a secret lies, what made the layer, and whether a later one hides the file.
//!
//! Images are archives of archives, and are searched as such. Only if something was found in one, it is gone through a second
//! time for its documents and the names in its layers: what hides a file may stand before or behind it in the image.
//!
//! Sources: the OCI image specification, version 1.1 ("Image Layout", "Image Layer Filesystem Changeset"); Docker's image
//! specification, version 1.2, as `docker save` writes it.

mod documents;
mod survey;

use crate::finding::{Finding, Incident, LayerPlace, Report};
use documents::{Image, images};
use keysweep_archive::Limits;
use std::collections::{BTreeSet, HashMap, HashSet};
use survey::{Survey, survey};

/// Images in one file whose layers are told.
const MAX_SURVEYS: usize = 16;

/// Whether a file of this name at the top of an archive or folder shows that it is an image.
pub(crate) fn is_sign(name: &str) -> bool {
    matches!(name, "manifest.json" | "oci-layout" | "index.json")
}

/// Tells for all findings in the images at `roots` (archives and folders, as places are named) in which layer they are.
pub(crate) fn tell(report: &mut Report, roots: &BTreeSet<String>, limits: Limits) {
    let mut surveys: HashMap<&str, usize> = HashMap::new();
    for root in roots {
        let inside = |path: &str| below(path, root).is_some();
        let wanted: HashSet<String> = report
            .findings
            .iter()
            .flat_map(|finding| &finding.locations)
            .filter(|place| inside(&place.path))
            .flat_map(|place| place.path.split("!/").skip(1).map(str::to_owned))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        // Each survey reads the file anew, and a file may be full of what looks like an image.
        let count = surveys.entry(root.split("!/").next().unwrap_or(root)).or_default();
        *count += 1;
        if *count > MAX_SURVEYS {
            let message = "more images in one file than are looked through for their layers".to_owned();
            report.incidents.push(Incident { path: root.clone(), message, incomplete: false });
            continue;
        }
        let survey = survey(root, wanted, limits);
        let images = images(&survey.documents);
        let told = told(&report.findings, root);
        for place in report.findings.iter_mut().flat_map(|finding| &mut finding.locations) {
            if let Some(path) = below(&place.path, root) {
                place.layer = layer(path, &survey, &images, &told);
            }
        }
    }
}

/// The part of a place that is below the image.
fn below<'p>(path: &'p str, root: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(root)?;
    rest.strip_prefix("!/").or_else(|| rest.strip_prefix('/'))
}

/// The places, below the image, of commands in which something was found: these are not repeated.
fn told(findings: &[Finding], root: &str) -> HashSet<String> {
    let places = findings.iter().flat_map(|finding| &finding.locations);
    places.filter_map(|place| below(&place.path, root)).map(str::to_owned).collect()
}

/// The layer that the file at `path` below the image is in.
fn layer(path: &str, survey: &Survey, images: &[Image], told: &HashSet<String>) -> Option<LayerPlace> {
    let name = path.split("!/").next()?;
    let seen = survey.layers.get(name)?;
    let file = path.strip_prefix(seen.prefix.as_str())?.strip_prefix("!/")?.split("!/").next()?;
    let holding: Vec<(&Image, usize)> = images
        .iter()
        .filter_map(|image| Some((image, image.layers.iter().position(|layer| layer.name == name)?)))
        .collect();
    let (image, index) = *holding.first()?;
    let later = |image: &Image, index: usize| {
        let after = image.layers.iter().enumerate().skip(index + 1);
        after.into_iter().find_map(|(number, layer)| Some((number, survey.layers.get(&layer.name)?.hides(file)?)))
    };
    // What one image still shows is not gone.
    let hidden = holding.iter().all(|(image, index)| later(image, *index).is_some());
    let gone = later(image, index).filter(|_| hidden);
    let own = &image.layers[index];
    Some(LayerPlace {
        image: image.name.clone(),
        index: index as u64 + 1,
        of: image.layers.len() as u64,
        digest: own.digest.clone(),
        created_by: own.command.as_ref().filter(|command| !told.contains(&command.place)).map(|c| c.shown.clone()),
        deleted_in: gone.filter(|(_, replaced)| !replaced).map(|(number, _)| number as u64 + 1),
        replaced_in: gone.filter(|(_, replaced)| *replaced).map(|(number, _)| number as u64 + 1),
    })
}
