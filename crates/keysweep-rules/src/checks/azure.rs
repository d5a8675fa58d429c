//! Microsoft's keys that carry a signature and a checksum, after `microsoft/security-utilities`.

use super::decode::{self, BASE62, in_base};
use super::marvin::hash32;
use super::{Candidate, Verdict};
use crate::model::Level;
use crate::random::Random;
use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

// ---- Identifiable keys: random bytes, signature, Marvin32 ------------------------------------------------------------

/// Characters of the checksum.
const CHECKSUM: usize = 6;
const SIGNATURE: usize = 4;

/// A kind of key: its signature, the seed of its checksum as text, and its name.
struct Kind(&'static str, &'static [u8; 8], &'static str);

const KINDS: [Kind; 37] = [
    Kind("+ASt", b"Default0", "Storage account key"),
    Kind("+ASb", b"Send0000", "Service Bus key, send"),
    Kind("+ASb", b"Listen00", "Service Bus key, listen"),
    Kind("+ASb", b"Manage00", "Service Bus key, manage"),
    Kind("+AEh", b"Send0000", "Event Hubs key, send"),
    Kind("+AEh", b"Listen00", "Event Hubs key, listen"),
    Kind("+AEh", b"Manage00", "Event Hubs key, manage"),
    Kind("+ARm", b"Send0000", "Relay key, send"),
    Kind("+ARm", b"Listen00", "Relay key, listen"),
    Kind("+ARm", b"Manage00", "Relay key, manage"),
    Kind("+ABa", b"AbAcct00", "Batch account key"),
    Kind("+ACR", b"ACRDflt0", "Container Registry key"),
    Kind("+AMC", b"Classic0", "Machine Learning (classic) key"),
    Kind("+SQL", b"UsrPwd00", "SQL key"),
    Kind("ACDb", b"MastRO00", "Cosmos DB key, read-only"),
    Kind("ACDb", b"MastRW00", "Cosmos DB key, read-write"),
    Kind("ACDb", b"SysAll00", "Cosmos DB key, system"),
    Kind("ACDb", b"SystRO00", "Cosmos DB key, system read-only"),
    Kind("ACDb", b"SystRW00", "Cosmos DB key, system read-write"),
    Kind("ACDb", b"Resour00", "Cosmos DB key, resource"),
    Kind("ACDb", b"Encryp00", "Cosmos DB key, data encryption"),
    Kind("AIoT", b"IoTHub00", "IoT Hub key"),
    Kind("AIoT", b"DpsKey00", "IoT device provisioning key"),
    Kind("AIoT", b"Device00", "IoT device key"),
    Kind("APIM", b"Tenant00", "API Management key, direct management"),
    Kind("APIM", b"IoTHub00", "API Management key, subscription"),
    Kind("APIM", b"Gatewy00", "API Management key, gateway"),
    Kind("APIM", b"GitKey00", "API Management key, repository"),
    Kind("AZEG", b"SendRecv", "Event Grid key"),
    Kind("AZEG", b"Default0", "Event Grid key"),
    Kind("AzFu", b"Functi00", "Functions key, function"),
    Kind("AzFu", b"Master00", "Functions key, master"),
    Kind("AzFu", b"System00", "Functions key, system"),
    Kind("AzSe", b"Query000", "Search key, query"),
    Kind("AzSe", b"PAdmin00", "Search key, admin"),
    Kind("AzCa", b"Access00", "Cache for Redis key"),
    Kind("+ASb", b"System00", "Service Bus key, system"),
];

impl Kind {
    fn seed(&self) -> u64 {
        u64::from_be_bytes(*self.1)
    }
}

/// The signature stands before the checksum, and the checksum is right for one of its kinds. A wrong one only proves
/// nothing: Redis keys are rid of `+` and `/` after it was computed, and services may have kinds that are not published.
pub(super) fn identifiable(candidate: &Candidate<'_>) -> Option<Verdict> {
    let text = candidate.secret;
    let length = text.iter().rposition(|b| *b != b'=')? + 1;
    let signature = text.get(length.checked_sub(CHECKSUM + SIGNATURE)?..length - CHECKSUM)?;
    let bytes = decode::base64(text)?;
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    let mut kinds = KINDS.iter().filter(|kind| kind.0.as_bytes() == signature).peekable();
    let service = kinds.peek()?.2.split(',').next()?;
    let right = kinds.find(|kind| hash32(body, kind.seed()).to_le_bytes() == checksum);
    let mut verdict = match right {
        Some(_) => Verdict::new(Level::Proven, "the key's Marvin checksum is right")?,
        None => Verdict::new(Level::Pattern, "has length and signature of such a key")?,
    };
    verdict.details.push(("kind", right.map_or(service, |kind| kind.2).to_owned()));
    Some(verdict)
}

/// The checksum behind random characters and a signature, for the first kind with that signature, with padding.
pub(super) fn identifiable_checksum(body: &str) -> Option<String> {
    let kind = KINDS.iter().find(|kind| body.ends_with(kind.0))?;
    let url = body.bytes().any(|b| b"-_".contains(&b));
    // The checksum begins at a whole byte: up to four zero bits fill the last character.
    let characters = body.len().div_ceil(4) * 4;
    let padded = format!("{body}{}", "A".repeat(characters - body.len()));
    let mut bytes = decode::base64(padded.as_bytes())?.to_vec();
    bytes.truncate((body.len() * 6).div_ceil(8));
    let checksum = hash32(&bytes, kind.seed()).to_le_bytes();
    bytes.extend(checksum);
    let encoding = if url { data_encoding::BASE64URL } else { data_encoding::BASE64 };
    encoding.encode(&bytes).get(body.len()..).map(str::to_owned)
}

// ---- Common annotated security keys ----------------------------------------------------------------------------------

/// Where the parts of a common annotated key begin, in characters.
const CASK_MARK: usize = 52;
const CASK_DATE: usize = 58;
const CASK_PROVIDER: usize = 76;
const CASK_CHECKSUM: usize = 80;
const CASK_SEED: u64 = u64::from_be_bytes(*b"Default0");
const BASE64_DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// 52 random characters, `JQQJ99`, date, reserved, provider, checksum.
pub(super) fn cask(candidate: &Candidate<'_>) -> Option<Verdict> {
    let text = candidate.secret;
    let found = text.get(CASK_CHECKSUM..)?;
    let end = found.iter().rposition(|b| *b != b'=')? + 1;
    let found = &found[..end];
    if !text[CASK_MARK..].starts_with(b"JQQJ9") || !matches!(found.len(), 4 | 6) {
        return None;
    }
    let [in_base62, in_base64] = cask_checksums(&text[..CASK_CHECKSUM])?;
    if !in_base62.as_bytes().starts_with(found) && !in_base64.as_bytes().starts_with(found) {
        return None;
    }
    let mut verdict = Verdict::new(Level::Proven, "the key's Marvin checksum is right")?;
    let provider = String::from_utf8_lossy(&text[CASK_PROVIDER..CASK_CHECKSUM]).into_owned();
    verdict.details.push(("provider", provider));
    let digit = |at: usize| BASE64_DIGITS.iter().position(|d| *d == text[at]);
    if let (Some(year), Some(month @ 0..12)) = (digit(CASK_DATE), digit(CASK_DATE + 1)) {
        verdict.details.push(("created", format!("{}-{:02}", 2024 + year, month + 1)));
    }
    Some(verdict)
}

/// The checksum in base 62, filled up with zeros behind, and in base64: keys have either.
fn cask_checksums(text: &[u8]) -> Option<[String; 2]> {
    let checksum = hash32(decode::base64(text)?.as_slice(), CASK_SEED).to_le_bytes();
    let in_base62 = in_base(u32::from_be_bytes(checksum), BASE62, 1);
    Some([format!("{in_base62:0<6}"), BASE64_NOPAD.encode(&checksum)])
}

pub(super) fn cask_checksum(body: &str) -> Option<String> {
    cask_checksums(body.as_bytes().get(..CASK_CHECKSUM)?)?[0].get(..4).map(str::to_owned)
}

// ---- Entra client secrets ---------------------------------------------------------------------------------------------

const ENTRA_SEED: u64 = u64::from_be_bytes(*b"AadPwd00");
const ENTRA_DIGITS: &[u8; 66] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~";

/// Three characters of a checksum at the end. Older secrets of this form have none, so a wrong one only proves nothing.
pub(super) fn entra(candidate: &Candidate<'_>) -> Option<Verdict> {
    let (body, found) = candidate.secret.split_at_checked(candidate.secret.len().checked_sub(3)?)?;
    if entra_digits(body).as_bytes() == found {
        return Verdict::new(Level::Proven, "the secret's Marvin checksum (18 bits) is right");
    }
    Verdict::new(Level::Pattern, "has the form of an Entra client secret")
}

pub(super) fn entra_checksum(body: &str) -> Option<String> {
    Some(entra_digits(body.as_bytes()))
}

fn entra_digits(body: &[u8]) -> String {
    in_base(hash32(body, ENTRA_SEED), ENTRA_DIGITS, 6)[..3].to_owned()
}

// ---- Azure DevOps personal access tokens until 2024 --------------------------------------------------------------------

/// Bytes of the token, and where in it the bytes of the checksum stand, most significant first.
const PAT_BYTES: usize = 32;
const PAT_CHECKSUM: [usize; 4] = [2, 7, 8, 22];
/// What the checksum is combined with: tokens of users, and of applications.
const PAT_KINDS: [(u32, &str); 2] = [(0xe0b9_692d, "user"), (0x1019_f92e, "application")];

/// 52 characters of base 32 with a CRC-32 scattered in them.
pub(super) fn devops(candidate: &Candidate<'_>) -> Option<Verdict> {
    let bytes = pat_bytes(candidate.secret)?;
    let found = u32::from_be_bytes(PAT_CHECKSUM.map(|at| bytes[at]));
    let computed = pat_crc(&bytes);
    let (_, kind) = PAT_KINDS.into_iter().find(|(mask, _)| computed ^ mask == found)?;
    let mut verdict = Verdict::new(Level::Proven, "the token's CRC-32 is right")?;
    verdict.details.push(("kind", kind.to_owned()));
    Some(verdict)
}

pub(super) fn devops_sample(random: &mut Random) -> String {
    let mut bytes = random.bytes(PAT_BYTES);
    let checksum = (pat_crc(&bytes) ^ PAT_KINDS[0].0).to_be_bytes();
    PAT_CHECKSUM.into_iter().zip(checksum).for_each(|(at, byte)| bytes[at] = byte);
    data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
}

fn pat_crc(bytes: &[u8]) -> u32 {
    let rest = bytes.iter().enumerate().filter(|(at, _)| !PAT_CHECKSUM.contains(at)).map(|(_, b)| *b);
    crc32fast::hash(&Zeroizing::new(rest.collect::<Vec<u8>>()))
}

/// base 32 in either case; the four bits that are left over carry nothing.
fn pat_bytes(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut relaxed = data_encoding::BASE32_NOPAD.specification();
    relaxed.check_trailing_bits = false;
    relaxed.translate.from.push_str("abcdefghijklmnopqrstuvwxyz");
    relaxed.translate.to.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    let bytes = relaxed.encoding().ok()?.decode(text).ok().map(Zeroizing::new)?;
    (bytes.len() == PAT_BYTES).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{details, fails, level, passes};
    use super::*;

    /// From the tests of microsoft/security-utilities: `filler` times a character, then signature and checksum.
    const IDENTIFIABLE: [(&str, usize, &str, &str); 14] = [
        ("a", 33, "+AEhG2s/8w=", "Event Hubs key, send"),
        ("a", 33, "+ARmD7h+qo=", "Relay key, send"),
        ("a", 33, "+ASbHpHeAI=", "Service Bus key, send"),
        ("a", 33, "AIoTOumzco=", "IoT"),
        ("b", 33, "AZEGLiQbng=", "Event Grid key"),
        ("a", 42, "AzSeCjhzCu", "Search key"),
        ("d", 42, "+ACRCUDxQE", "Container Registry key"),
        ("d", 44, "AzFu182vhA==", "Functions key"),
        ("a", 76, "+ABa13FZVQ==", "Batch account key"),
        ("a", 76, "+AMCFNqWyA==", "Machine Learning"),
        ("a", 76, "+ASt5mnCaw==", "Storage account key"),
        ("a", 76, "ACDbOpqrYA==", "Cosmos DB key"),
        ("a", 76, "APIMHbKhsQ==", "API Management key"),
        ("e", 42, "+ACRCTB7t/", "Container Registry key"),
    ];

    #[test]
    fn identifiable_keys_of_the_reference_tests_pass() {
        for (filler, times, end, kind) in IDENTIFIABLE {
            let key = format!("{}{end}", filler.repeat(times));
            assert_eq!(level("azure-identifiable", &key), Some(Level::Proven), "{end}");
            assert!(details("azure-identifiable", &key)[0].1.starts_with(kind), "{end}");
            let changed = key.replacen(filler, "Z", 1);
            assert_eq!(level("azure-identifiable", &changed), Some(Level::Pattern), "{end}");
            assert!(!details("azure-identifiable", &changed)[0].1.contains(','), "{end}");
            assert!(fails("azure-identifiable", &key.replacen(&end[..4], "+AXX", 1)), "{end}");
        }
        for start in [33, 42, 44, 76] {
            for Kind(signature, ..) in KINDS {
                assert!(passes(
                    "azure-identifiable",
                    &format!("{}{signature}", &"Zk3vQ9xT1mB7uY5r".repeat(5)[..start])
                ));
            }
        }
        assert!(passes("azure-identifiable", &format!("{}-_AzFu", "Zk3vQ9xT1mB7uY5r".repeat(3).split_off(6))));
    }

    #[test]
    fn redis_keys_may_have_been_rewritten() {
        let key = format!("{}AzCa{}", "d".repeat(33), "AAAAAA=");
        assert_eq!(level("azure-identifiable", &key), Some(Level::Pattern));
    }

    #[test]
    fn the_annotated_key_of_the_reference_tests_passes() {
        let key = format!("{}JQQJ99AG{}ABCDTZJ9JA==", "A".repeat(52), "A".repeat(16));
        assert_eq!(level("azure-cask", &key), Some(Level::Proven));
        assert_eq!(details("azure-cask", &key), [("provider", "ABCD".to_owned()), ("created", "2024-07".to_owned())]);
        for at in [0, 51, 60, 76, 80, 84] {
            let mut changed = key.clone();
            changed.replace_range(at..=at, "Z");
            assert!(fails("azure-cask", &changed) || changed == key, "{at}");
        }
        assert!(passes("azure-cask", &format!("{}JQQJ99BBACZk3vQ9xT1mB7uYAZDO", &"Zk3vQ9xT1mB7uY5r".repeat(4)[..52])));
        assert!(fails("azure-cask", "JQQJ99") && fails("azure-cask", &"A".repeat(84)));
    }

    #[test]
    fn entra_secrets_are_proven_or_only_match() {
        let secret = format!("zzz8Q~{}blP", "z".repeat(31));
        assert_eq!(level("entra-client-secret", &secret), Some(Level::Proven));
        assert_eq!(level("entra-client-secret", &secret.replace("blP", "blQ")), Some(Level::Pattern));
        assert!(fails("entra-client-secret", "ab"));
    }

    #[test]
    fn devops_tokens_of_published_tests_pass() {
        // Revoked tokens in the published tests of a scanning service, split.
        for token in [
            ["cfdgksmyyogbj6b6k7tvu6wfg", "otk453xxadybrrs22g6qekcaw3y"].concat(),
            ["nj3ithqqxdghjtxuo6a27lebc", "4ko5jyqsthyqshtnnlpvowh2oaq"].concat(),
        ] {
            assert_eq!(level("azure-devops-pat", &token), Some(Level::Proven));
            assert_eq!(level("azure-devops-pat", &token.to_uppercase()), Some(Level::Proven));
            assert!(fails("azure-devops-pat", &token.replacen('j', "k", 1)));
        }
        assert!(fails("azure-devops-pat", &"a".repeat(51)) && fails("azure-devops-pat", ""));
        assert_eq!(level("azure-devops-pat", &devops_sample(&mut Random::new("a", 1))), Some(Level::Proven));
    }
}
