//! Instruction sets of the scanning kernels.

use std::fmt;

/// An instruction set that the matcher has a kernel for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isa {
    /// No vector instructions; runs everywhere.
    Scalar,
    /// x86: 16-byte vectors; needs SSE4.1.
    Sse41,
    /// x86: 32-byte vectors.
    Avx2,
    /// x86: 64-byte vectors; needs AVX-512 F, BW, VBMI and VBMI2.
    Avx512,
    /// AArch64: 16-byte vectors.
    Neon,
}

impl Isa {
    /// All of them, the fastest first.
    pub const ALL: [Isa; 5] = [Isa::Avx512, Isa::Avx2, Isa::Sse41, Isa::Neon, Isa::Scalar];

    /// The fastest one of this CPU.
    pub fn detect() -> Isa {
        Self::ALL.into_iter().find(|isa| isa.is_available()).unwrap_or(Isa::Scalar)
    }

    /// Whether this CPU has it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Sse41 => is_x86_feature_detected!("sse4.1"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && has_bit_instructions(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vbmi2")
                    && has_bit_instructions()
            }
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Isa::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }
}

/// The scalar instructions that the kernels use beside the vector ones.
#[cfg(target_arch = "x86_64")]
fn has_bit_instructions() -> bool {
    is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("popcnt")
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Isa::Scalar => "scalar",
            Isa::Sse41 => "SSE4.1",
            Isa::Avx2 => "AVX2",
            Isa::Avx512 => "AVX-512 VBMI",
            Isa::Neon => "NEON",
        })
    }
}
