//! Ids of the shapes that AWS hands out. They are random, not secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A connection, request or message id of API Gateway: 16 characters, the last one `=`, as in `TWegAcC4EowCHnA=`.
/// It may hold `+` and `/` nowhere: those would need escapes that real ids never need.
pub(crate) fn gateway_id() -> String {
    let id = STANDARD.encode(rand::random::<[u8; 11]>());
    id.replace('+', "A").replace('/', "B")
}

/// A version 4 UUID: Lambda's request ids.
pub(crate) fn uuid() -> String {
    let mut bytes = rand::random::<[u8; 16]>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    format!(
        "{}-{}-{}-{}-{}",
        hex(&bytes[..4]),
        hex(&bytes[4..6]),
        hex(&bytes[6..8]),
        hex(&bytes[8..10]),
        hex(&bytes[10..])
    )
}

/// Two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_have_their_shapes() {
        for _ in 0..100 {
            let id = super::gateway_id();
            assert!(id.len() == 16 && id.ends_with('=') && !id.contains(['+', '/']), "{id}");
            let uuid = super::uuid();
            assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4', "{uuid}");
        }
    }
}
