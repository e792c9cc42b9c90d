//! Events packed into as few frames as hold them.

use serde::Serialize;
use tidings_protocol::limits::FRAME_MAX;

const OPEN: &str = r#"{"events":["#;
const CLOSE: &str = "]}";

/// Packs events, in their order, into frames of at most [`FRAME_MAX`] bytes: the gateway charges by the frame.
/// One event is never larger than a frame, since an entry's is at most half of one.
pub fn pack<T: Serialize>(events: &[T]) -> Result<Vec<String>, serde_json::Error> {
    let mut frames: Vec<String> = Vec::new();
    for event in events {
        let json = serde_json::to_string(event)?;
        match frames.last_mut() {
            Some(frame) if frame.len() + 1 + json.len() + CLOSE.len() <= FRAME_MAX => {
                frame.push(',');
                frame.push_str(&json);
            }
            _ => frames.push(format!("{OPEN}{json}")),
        }
    }
    for frame in &mut frames {
        frame.push_str(CLOSE);
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_counts_the_same_frames() {
        assert_eq!(FRAME_MAX, tidings_domain::limits::FRAME_BYTES);
    }

    #[test]
    fn frames_are_full_and_never_over() {
        let event = "x".repeat(998);
        let events = vec![event; 100];
        let frames = pack(&events).unwrap();
        assert!(frames.iter().all(|frame| frame.len() <= FRAME_MAX));
        // (32768 - 13) / 1001 = 32 events of 1,000 bytes and a comma each.
        assert_eq!(frames.len(), 4);
        let unpacked: Vec<String> = frames
            .iter()
            .flat_map(|frame| {
                let value: serde_json::Value = serde_json::from_str(frame).unwrap();
                value["events"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(unpacked, events);
        assert!(pack::<String>(&[]).unwrap().is_empty());
    }
}
