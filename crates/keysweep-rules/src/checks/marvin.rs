//! Marvin32, the keyed hash that Microsoft's identifiable keys use as a checksum (SymCrypt, US patent 8,555,081).

/// Marvin32 of `data`, both halves joined by exclusive or.
pub(super) fn hash32(data: &[u8], seed: u64) -> u32 {
    let hash = hash64(data, seed);
    (hash >> 32) as u32 ^ hash as u32
}

fn hash64(data: &[u8], seed: u64) -> u64 {
    let mut state = (seed as u32, (seed >> 32) as u32);
    let words = data.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        mix(&mut state, u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    }
    // What is left over, and a one bit behind it.
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    mix(&mut state, u32::from_le_bytes(last));
    mix(&mut state, 0);
    u64::from(state.1) << 32 | u64::from(state.0)
}

fn mix((a, b): &mut (u32, u32), word: u32) {
    *a = a.wrapping_add(word);
    *b ^= *a;
    *a = a.rotate_left(20).wrapping_add(*b);
    *b = b.rotate_left(9) ^ *a;
    *a = a.rotate_left(27).wrapping_add(*b);
    *b = b.rotate_left(19);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_symcrypt_and_of_the_reference_tests() {
        assert_eq!(hash64(b"abc", 0xd53c_d9ce_cd08_93b7), 0x22c7_4339_4927_69bf);
        assert_eq!(hash64(b"abcdefghijklmnopqrstuvwxyz", 0x0ddd_deee_efff_f000), 0xa128_eb7e_7260_aca2);
        let seed = 0x004f_b61a_001b_dbcc;
        assert_eq!(hash64(&[], seed), 0x30ed_35c1_00cd_3c7d);
        assert_eq!(hash64(&[0xaf], seed), 0x48e7_3fc7_7d75_ddc1);
        assert_eq!(hash64(&[0xe7, 0x0f], seed), 0xb5f6_e1fc_485d_bff8);
        assert_eq!(hash64(&[0x37, 0xf4, 0x95], seed), 0xf0b0_7c78_9b8c_f7e8);
        assert_eq!(hash64(&[0x86, 0x42, 0xdc, 0x59], seed), 0x7008_f2e8_7e9c_f556);
        assert_eq!(hash32(b"abc", 0xd53c_d9ce_cd08_93b7), 0x6be0_2a86);
    }
}
