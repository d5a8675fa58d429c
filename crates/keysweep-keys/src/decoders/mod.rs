//! The decoders: one file for each family of forms, registered here.

use crate::Decoder;

mod age;
mod bip32;
mod capi;
mod checked;
mod cng;
mod dnssec;
mod ethereum;
mod frame;
mod json;
mod jwk;
mod libp2p;
mod minisign;
mod nkeys;
#[cfg(test)]
mod samples;
mod sigstore;
mod text;
mod tor;
#[cfg(test)]
mod trial;
mod vpn;
mod wireguard;
mod xmlkey;

/// Every decoder. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Decoder] {
    &[
        &age::Age,
        &bip32::Bip32,
        &bip32::Wif,
        &capi::Capi,
        &cng::Cng,
        &dnssec::Dnssec,
        &dnssec::Tsig,
        &ethereum::Ethereum,
        &ethereum::Keystore,
        &jwk::Jwk,
        &libp2p::Libp2p,
        &minisign::Minisign,
        &nkeys::Nkeys,
        &nkeys::Stellar,
        &sigstore::Sigstore,
        &tor::Tor,
        &vpn::Vpn,
        &wireguard::WireGuard,
        &xmlkey::XmlKey,
    ]
}
