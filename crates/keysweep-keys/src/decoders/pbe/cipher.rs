//! The ciphers that stores use, with a given key and initialisation vector.

use super::kdf::Bytes;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockCipherEncrypt, BlockModeDecrypt, InnerIvInit, KeyInit, KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

/// A cipher with its key size, as names and parameters give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    /// AES in CBC mode; key size in bytes: 16, 24 or 32.
    AesCbc(usize),
    /// AES in CCM mode: key size and tag size in bytes.
    AesCcm(usize, usize),
    /// DES in CBC mode.
    Des,
    /// Triple DES in CBC mode with two keys.
    TwoKeyTripleDes,
    /// Triple DES in CBC mode with three keys.
    TripleDes,
    /// RC2 in CBC mode: key size in bytes, and effective key size in bits.
    Rc2(usize, usize),
    /// RC4; key size in bytes.
    Rc4(usize),
    /// Twofish in CBC mode with a key of 256 bits.
    Twofish,
}

impl Cipher {
    /// The name in reports.
    pub(crate) fn name(self) -> String {
        match self {
            Cipher::AesCbc(size) => format!("aes-{}-cbc", 8 * size),
            Cipher::AesCcm(size, _) => format!("aes-{}-ccm", 8 * size),
            Cipher::Des => "des-cbc".into(),
            Cipher::TwoKeyTripleDes => "des-ede-cbc".into(),
            Cipher::TripleDes => "des-ede3-cbc".into(),
            Cipher::Rc2(_, bits) => format!("rc2-{bits}-cbc"),
            Cipher::Rc4(size) => format!("rc4-{}", 8 * size),
            Cipher::Twofish => "twofish-256-cbc".into(),
        }
    }

    /// Whether it can be broken, or its key searched, at a known cost.
    pub(crate) fn is_weak(self) -> bool {
        matches!(self, Cipher::Des | Cipher::Rc2(..) | Cipher::Rc4(_))
    }

    /// Length of the key in bytes.
    pub(crate) fn key_size(self) -> usize {
        match self {
            Cipher::AesCbc(size) | Cipher::AesCcm(size, _) | Cipher::Rc2(size, _) | Cipher::Rc4(size) => size,
            Cipher::Des => 8,
            Cipher::TwoKeyTripleDes => 16,
            Cipher::TripleDes => 24,
            Cipher::Twofish => 32,
        }
    }

    /// Length of the initialisation vector in bytes where it is derived from the password; 0 for none.
    pub(crate) fn iv_size(self) -> usize {
        match self {
            Cipher::AesCbc(_) | Cipher::Twofish => 16,
            Cipher::AesCcm(..) | Cipher::Rc4(_) => 0,
            Cipher::Des | Cipher::TwoKeyTripleDes | Cipher::TripleDes | Cipher::Rc2(..) => 8,
        }
    }

    /// Decrypts, and takes off the padding of PKCS #7 where the mode has one. `None` if sizes or padding are wrong, or the
    /// tag of an authenticated mode.
    pub(crate) fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Bytes> {
        fn cbc<C>(decryptor: Option<C>, data: &[u8]) -> Option<Bytes>
        where
            C: BlockModeDecrypt,
        {
            decryptor?.decrypt_padded_vec::<Pkcs7>(data).ok().map(Zeroizing::new)
        }
        match self {
            Cipher::AesCbc(16) => cbc(cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).ok(), data),
            Cipher::AesCbc(24) => cbc(cbc::Decryptor::<aes::Aes192>::new_from_slices(key, iv).ok(), data),
            Cipher::AesCbc(_) => cbc(cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv).ok(), data),
            Cipher::AesCcm(16, tag) => ccm(aes::Aes128::new_from_slice(key).ok()?, iv, data, tag),
            Cipher::AesCcm(24, tag) => ccm(aes::Aes192::new_from_slice(key).ok()?, iv, data, tag),
            Cipher::AesCcm(_, tag) => ccm(aes::Aes256::new_from_slice(key).ok()?, iv, data, tag),
            Cipher::Des => cbc(cbc::Decryptor::<des::Des>::new_from_slices(key, iv).ok(), data),
            Cipher::TwoKeyTripleDes => cbc(cbc::Decryptor::<des::TdesEde2>::new_from_slices(key, iv).ok(), data),
            Cipher::TripleDes => cbc(cbc::Decryptor::<des::TdesEde3>::new_from_slices(key, iv).ok(), data),
            Cipher::Rc2(size, bits) => {
                let known = (1..=128).contains(&key.len()) && key.len() == size && (8..=1024).contains(&bits);
                let cipher = known.then(|| rc2::Rc2::new_with_eff_key_len(key, bits))?;
                cbc(cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok(), data)
            }
            Cipher::Rc4(_) => {
                let mut plain = Zeroizing::new(data.to_vec());
                rc4::Rc4::new_from_slice(key).ok()?.apply_keystream(&mut plain);
                Some(plain)
            }
            Cipher::Twofish => cbc(cbc::Decryptor::<twofish::Twofish>::new_from_slices(key, iv).ok(), data),
        }
    }
}

/// Counter with CBC-MAC (RFC 3610) without associated data: the tag follows the cipher text.
fn ccm<C>(cipher: C, nonce: &[u8], data: &[u8], tag: usize) -> Option<Bytes>
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
{
    if !(7..=13).contains(&nonce.len()) || !(4..=16).contains(&tag) || tag % 2 == 1 {
        return None;
    }
    let length_size = 15 - nonce.len();
    let (body, stored) = data.split_at_checked(data.len().checked_sub(tag)?)?;
    if length_size < 8 && body.len() as u64 >> (8 * length_size) != 0 {
        return None;
    }
    let block = |flags: u8, number: u64| {
        let mut block = [0; 16];
        block[0] = flags;
        block[1..=nonce.len()].copy_from_slice(nonce);
        block[16 - length_size..].copy_from_slice(&number.to_be_bytes()[8 - length_size.min(8)..]);
        block
    };
    let encrypt = |bytes: [u8; 16]| {
        let mut bytes = bytes.into();
        cipher.encrypt_block(&mut bytes);
        <[u8; 16]>::from(bytes)
    };
    let mut plain = Zeroizing::new(body.to_vec());
    let mut mac = encrypt(block((8 * ((tag - 2) / 2) + length_size - 1) as u8, body.len() as u64));
    for (i, chunk) in plain.chunks_mut(16).enumerate() {
        let stream = encrypt(block((length_size - 1) as u8, i as u64 + 1));
        for (i, byte) in chunk.iter_mut().enumerate() {
            *byte ^= stream[i];
            mac[i] ^= *byte;
        }
        mac = encrypt(mac);
    }
    let mask = encrypt(block((length_size - 1) as u8, 0));
    let valid = stored.iter().enumerate().all(|(i, byte)| byte ^ mask[i] == mac[i]);
    valid.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn counter_with_cbc_mac_agrees_with_nist() {
        // NIST SP 800-38C, examples 1 and 3 differ in associated data; CAVP DVPT128 has sets without any.
        let key = hex("4ae701103c63deca5b5a3939d7d05992");
        let nonce = hex("5a8aa485c316e9");
        let data = hex("02209f55");
        assert_eq!(Cipher::AesCcm(16, 4).decrypt(&key, &nonce, &data).unwrap().as_slice(), b"");
        let mut wrong = data;
        wrong[0] ^= 1;
        assert!(Cipher::AesCcm(16, 4).decrypt(&key, &nonce, &wrong).is_none());
    }

    #[test]
    fn wrong_sizes_are_refused() {
        let ciphers = [
            Cipher::AesCbc(32),
            Cipher::AesCcm(32, 8),
            Cipher::Des,
            Cipher::TripleDes,
            Cipher::TwoKeyTripleDes,
            Cipher::Rc2(5, 40),
            Cipher::Twofish,
        ];
        for cipher in ciphers {
            assert!(cipher.decrypt(&[1; 3], &[2; 3], &[3; 32]).is_none(), "{cipher:?}");
            let (key, iv) = (vec![1; cipher.key_size()], vec![2; cipher.iv_size()]);
            assert!(cipher.decrypt(&key, &iv, &[3; 33]).is_none(), "{cipher:?}");
            assert!(cipher.decrypt(&key, &iv, &[]).is_none(), "{cipher:?}");
        }
    }
}
