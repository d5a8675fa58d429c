//! The decoders: one file for each family of forms, registered here.

use crate::Decoder;

mod capi;
mod cng;
mod frame;
mod json;
mod jwk;
#[cfg(test)]
mod samples;
mod text;
#[cfg(test)]
mod trial;
mod xmlkey;

/// Every decoder. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Decoder] {
    &[&capi::Capi, &cng::Cng, &jwk::Jwk, &xmlkey::XmlKey]
}
