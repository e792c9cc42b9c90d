//! Whether a binary runs where Lambda will run it: its processor, and the oldest glibc that has what it needs.

use std::fmt;

use object::Endianness;
use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64};
use object::read::elf::FileHeader as _;

use super::architecture::Architecture;

/// The glibc of `provided.al2023`. Source: Amazon Linux 2023's release notes. A binary that asks for a newer one ends
/// at its start, in every call, with nothing but a line about `GLIBC_2.xx not found`.
pub(crate) const NEWEST_GLIBC: Glibc = Glibc(2, 34);

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glibc(pub(crate) u32, pub(crate) u32);

impl fmt::Display for Glibc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.0, self.1)
    }
}

/// What a binary says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The processor it is for.
    pub(crate) architecture: Architecture,
    /// The newest glibc version among its symbols; `None` without glibc.
    pub(crate) glibc: Option<Glibc>,
}

/// Reads the header and the table of needed versions, which is what the loader goes by.
pub(crate) fn read(binary: &[u8]) -> Result<Needs, String> {
    let damaged = |error: object::read::Error| format!("it is no 64-bit Linux binary: {error}");
    let header = FileHeader64::<Endianness>::parse(binary).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let architecture = match header.e_machine(endian) {
        EM_AARCH64 => Architecture::Arm64,
        EM_X86_64 => Architecture::X86_64,
        other => return Err(format!("it is for a processor that Lambda does not have (ELF machine {})", other.0)),
    };
    let sections = header.sections(endian, binary).map_err(damaged)?;
    let mut glibc = None;
    if let Some((mut files, link)) = sections.gnu_verneed(endian, binary).map_err(damaged)? {
        let strings = sections.strings(endian, binary, link).map_err(damaged)?;
        while let Some((_, mut versions)) = files.next().map_err(damaged)? {
            while let Some(version) = versions.next().map_err(damaged)? {
                glibc = glibc.max(glibc_of(version.name(endian, strings).map_err(damaged)?));
            }
        }
    }
    Ok(Needs { architecture, glibc })
}

/// The version in `GLIBC_2.34`. `GLIBC_2.2.5` counts as 2.2; `GCC_3.0` and others are none.
fn glibc_of(name: &[u8]) -> Option<Glibc> {
    let name = std::str::from_utf8(name).ok()?;
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some(Glibc(numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Why a binary cannot be deployed for the architecture; `None` if it can.
pub(crate) fn complaint(needs: Needs, wanted: Architecture) -> Option<String> {
    if needs.architecture != wanted {
        return Some(format!("is built for {}, not for {}", needs.architecture.as_str(), wanted.as_str()));
    }
    let glibc = needs.glibc.filter(|glibc| *glibc > NEWEST_GLIBC)?;
    Some(format!(
        "needs glibc {glibc}, and Lambda's al2023 has {NEWEST_GLIBC}: this machine's own glibc is too new to link \
         against. `--compiler zig` links against {NEWEST_GLIBC} anywhere"
    ))
}

#[cfg(test)]
mod tests {
    use object::elf::Machine;

    use super::*;

    /// A small ELF file that needs these versions of one library.
    fn elf(machine: Machine, versions: &[&str]) -> Vec<u8> {
        const HEADER: usize = 64;
        let mut strings = b"\0libc.so.6\0".to_vec();
        let mut needs = Vec::new();
        needs.extend(1_u16.to_le_bytes());
        needs.extend(u16::try_from(versions.len()).unwrap().to_le_bytes());
        for field in [1_u32, 16, 0] {
            needs.extend(field.to_le_bytes());
        }
        for (index, version) in versions.iter().enumerate() {
            let name = u32::try_from(strings.len()).unwrap();
            strings.extend(version.as_bytes());
            strings.push(0);
            let next: u32 = if index + 1 == versions.len() { 0 } else { 16 };
            needs.extend(0_u32.to_le_bytes());
            needs.extend(0_u16.to_le_bytes());
            needs.extend(2_u16.to_le_bytes());
            needs.extend(name.to_le_bytes());
            needs.extend(next.to_le_bytes());
        }
        let (strings_at, needs_at) = (HEADER, HEADER + strings.len());
        let sections_at = needs_at + needs.len();
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        file.extend(3_u16.to_le_bytes());
        file.extend(machine.0.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        for address in [0_u64, 0, sections_at as u64] {
            file.extend(address.to_le_bytes());
        }
        file.extend(0_u32.to_le_bytes());
        for field in [64_u16, 56, 0, 64, 3, 1] {
            file.extend(field.to_le_bytes());
        }
        file.extend(&strings);
        file.extend(&needs);
        // None, the strings, the needed versions: name, type, flags, address, offset, size, link, info, alignment, entry.
        for (kind, offset, size, link, info) in [
            (0_u32, 0, 0, 0_u32, 0_u32),
            (3, strings_at, strings.len(), 0, 0),
            (0x6fff_fffe, needs_at, needs.len(), 1, 1),
        ] {
            file.extend(0_u32.to_le_bytes());
            file.extend(kind.to_le_bytes());
            for field in [0_u64, 0, offset as u64, size as u64] {
                file.extend(field.to_le_bytes());
            }
            file.extend(link.to_le_bytes());
            file.extend(info.to_le_bytes());
            for field in [1_u64, 0] {
                file.extend(field.to_le_bytes());
            }
        }
        file
    }

    #[test]
    fn the_newest_needed_glibc_counts_wherever_it_stands() {
        for (versions, newest) in [
            (&["GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.17"][..], Some(Glibc(2, 34))),
            (&["GLIBC_2.9", "GLIBC_2.10"], Some(Glibc(2, 10))),
            (&["GCC_3.0", "GLIBC_2.14"], Some(Glibc(2, 14))),
            (&["GCC_4.2.0"], None),
        ] {
            let needs = read(&elf(EM_X86_64, versions)).unwrap();
            assert_eq!(needs, Needs { architecture: Architecture::X86_64, glibc: newest }, "{versions:?}");
        }
    }

    #[test]
    fn what_al2023_does_not_have_is_refused() {
        let complain = |versions: &[&str], wanted| complaint(read(&elf(EM_X86_64, versions)).unwrap(), wanted);
        assert_eq!(complain(&["GLIBC_2.34"], Architecture::X86_64), None);
        let reason = complain(&["GLIBC_2.34", "GLIBC_2.35"], Architecture::X86_64).unwrap();
        assert!(reason.contains("needs glibc 2.35") && reason.contains("--compiler zig"), "{reason}");
        let reason = complain(&["GLIBC_2.17"], Architecture::Arm64).unwrap();
        assert!(reason.contains("x86_64, not for arm64"), "{reason}");
    }

    #[test]
    fn both_processors_are_told_apart_and_others_refused() {
        assert_eq!(read(&elf(EM_AARCH64, &["GLIBC_2.17"])).unwrap().architecture, Architecture::Arm64);
        assert!(read(&elf(Machine(8), &[])).unwrap_err().contains("ELF machine 8"));
        assert!(read(b"#!/bin/sh\n").unwrap_err().contains("no 64-bit Linux binary"));
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn a_real_binary_is_read() {
        let needs = read(&std::fs::read(std::env::current_exe().unwrap()).unwrap()).unwrap();
        assert!(needs.glibc.is_some_and(|glibc| glibc >= Glibc(2, 2)), "{needs:?}");
    }
}
