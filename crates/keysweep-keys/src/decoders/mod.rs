//! The decoders: one file for each family of forms, registered here.

use crate::Decoder;

mod age;
mod armour;
mod asn1;
mod bip32;
mod capi;
mod checked;
mod cng;
mod der;
mod dnssec;
mod ethereum;
mod frame;
mod json;
mod jwk;
mod libp2p;
mod minisign;
mod nkeys;
mod pem;
#[cfg(test)]
mod samples;
mod sigstore;
mod text;
mod tor;
#[cfg(test)]
mod trial;
mod vpn;
mod wireguard;
mod wrapped;
mod x509;
mod xmlkey;

/// Every decoder. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Decoder] {
    &[
        &age::Age,
        &bip32::Bip32,
        &bip32::Wif,
        &capi::Capi,
        &cng::Cng,
        &der::Der,
        &dnssec::Dnssec,
        &dnssec::Tsig,
        &ethereum::Ethereum,
        &ethereum::Keystore,
        &jwk::Jwk,
        &libp2p::Libp2p,
        &minisign::Minisign,
        &nkeys::Nkeys,
        &nkeys::Stellar,
        &pem::Pem,
        &sigstore::Sigstore,
        &tor::Tor,
        &vpn::Vpn,
        &wireguard::WireGuard,
        &wrapped::Gzip,
        &wrapped::Wrapped,
        &x509::X509,
        &xmlkey::XmlKey,
    ]
}
