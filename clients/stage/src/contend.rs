//! Devices write into one conversation at once.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::try_join_all;
use tidings_client::ConversationId;

use crate::cast::Stage;
use crate::device::Device;
use crate::error::StageError;
use crate::progress::Steps;

/// Each device writes so many messages, with at most `in_flight` of them unacknowledged at a time. How long each took
/// to be acknowledged.
pub async fn contend(
    stage: &Stage,
    conversation: ConversationId,
    devices: &[&Device],
    messages: usize,
    in_flight: usize,
) -> Result<Vec<Duration>, StageError> {
    let steps = Steps::begin(&stage.audience, "sending messages", devices.len() * messages);
    let writing = devices.iter().enumerate().map(|(number, device)| {
        let steps = &steps;
        async move {
            let mut times = Vec::with_capacity(messages);
            let mut waiting = VecDeque::new();
            for message in 0..messages {
                waiting.push_back(device.say(conversation, format!("device {number} message {message}")).await?);
                if waiting.len() >= in_flight
                    && let Some(oldest) = waiting.pop_front()
                {
                    times.push(oldest.acknowledged().await?);
                    steps.step();
                }
            }
            for said in waiting {
                times.push(said.acknowledged().await?);
                steps.step();
            }
            Ok::<_, StageError>(times)
        }
    });
    Ok(try_join_all(writing).await?.concat())
}
