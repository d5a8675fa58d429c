//! The decoders: one file for each family of forms, registered here.

use crate::Decoder;

mod adfs;
mod age;
mod armour;
mod asn1;
mod ber;
mod bip32;
mod bitcoin;
mod capi;
mod checked;
mod cng;
mod date;
mod der;
mod dnssec;
mod dpapi;
mod electrum;
mod ethereum;
mod fields;
mod frame;
mod gnupg;
#[cfg(test)]
mod hostile;
mod java;
mod json;
mod jwk;
mod kerberos;
mod libp2p;
mod minisign;
mod nkeys;
mod nss;
pub mod openpgp;
mod pbe;
mod pem;
mod pkcs12;
mod putty;
#[cfg(test)]
mod samples;
mod sigstore;
pub mod sqlite;
mod ssh;
mod store;
#[cfg(test)]
mod store_samples;
mod sweep;
mod text;
mod tor;
#[cfg(test)]
mod trial;
mod unwrap;
mod vault;
mod vpn;
mod wireguard;
mod wrapped;
mod x509;
mod xmlkey;

/// Every decoder. A new one is a new file and a line here.
pub fn all() -> &'static [&'static dyn Decoder] {
    &[
        &adfs::Adfs,
        &age::Age,
        &bip32::Bip32,
        &bip32::Wif,
        &bitcoin::Bitcoin,
        &capi::Capi,
        &cng::Cng,
        &der::Der,
        &dnssec::Dnssec,
        &dnssec::Tsig,
        &dpapi::Dpapi,
        &dpapi::DpapiText,
        &electrum::Electrum,
        &ethereum::Ethereum,
        &ethereum::Keystore,
        &gnupg::GnuPg,
        &java::Java,
        &java::JavaText,
        &jwk::Jwk,
        &kerberos::Keytab,
        &kerberos::KeytabText,
        &kerberos::KrbCredText,
        &kerberos::Tickets,
        &libp2p::Libp2p,
        &minisign::Minisign,
        &nkeys::Nkeys,
        &nkeys::Stellar,
        &nss::Nss,
        &openpgp::Armoured,
        &openpgp::Packets,
        &pem::Pem,
        &pkcs12::Pkcs12,
        &pkcs12::Pkcs12Text,
        &putty::Putty,
        &sigstore::Sigstore,
        &ssh::Commercial,
        &ssh::OpenSsh,
        &ssh::PublicText,
        &ssh::Ssh1,
        &ssh::Wire,
        &tor::Tor,
        &vault::OpenKeyring,
        &vault::Vault,
        &vpn::Vpn,
        &wireguard::WireGuard,
        &wrapped::Gzip,
        &wrapped::Wrapped,
        &x509::X509,
        &xmlkey::XmlKey,
    ]
}
