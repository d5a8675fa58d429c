//! The decoders: one file for each family of forms, registered here.

use crate::Decoder;

/// Every decoder. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Decoder] {
    &[]
}
