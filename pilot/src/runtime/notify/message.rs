//! The text of a readiness message: lines of `NAME=value`, of which pilot knows a few (sd_notify(3)).

use crate::runtime::net::one_line;

/// What a message says, as far as it concerns pilot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Whether work may be sent to its process, if it says so.
    pub readiness: Option<Readiness>,
    /// What it is doing: one printable line.
    pub status: Option<String>,
    /// What it says to its watchdog.
    pub pulse: Option<Pulse>,
}

/// Whether work may be sent to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// `READY=1`
    Ready,
    /// `STOPPING=1`
    Stopping,
}

/// What a process says to its watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// `WATCHDOG=1`
    Alive,
    /// `WATCHDOG=trigger`: it has found itself to be ill.
    Ill,
}

/// Reads a message. What is not known is skipped; the error is the end of a sentence.
pub fn parse(content: &[u8]) -> Result<Message, &'static str> {
    let content = content.strip_suffix(b"\0").unwrap_or(content);
    if content.is_empty() {
        return Err("is empty");
    }
    let text = std::str::from_utf8(content).ok().filter(|text| !text.contains('\0')).ok_or("is not text")?;
    let mut message = Message::default();
    for (name, value) in text.lines().filter_map(|assignment| assignment.split_once('=')) {
        match (name, value) {
            ("READY", "1") => message.readiness = Some(Readiness::Ready),
            ("STOPPING", "1") => message.readiness = Some(Readiness::Stopping),
            ("STATUS", status) => message.status = Some(one_line(status)),
            ("WATCHDOG", "1") => message.pulse = Some(Pulse::Alive),
            ("WATCHDOG", "trigger") => message.pulse = Some(Pulse::Ill),
            _ => {}
        }
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_pilot_knows_are_read_and_others_skipped() {
        let ready = Message { readiness: Some(Readiness::Ready), ..Message::default() };
        let status = |text: &str| Message { status: Some(text.into()), ..Message::default() };
        for (text, want) in [
            ("READY=1", ready.clone()),
            ("READY=1\n\0", ready.clone()),
            ("MAINPID=1\r\nREADY=1\r\nERRNO=2", ready.clone()),
            ("READY=0", Message::default()),
            ("ready=1", Message::default()),
            (" READY=1", Message::default()),
            ("READY", Message::default()),
            ("=", Message::default()),
            ("\n\n", Message::default()),
            ("RELOADING=1\nMONOTONIC_USEC=5", Message::default()),
            ("READY=1\nSTOPPING=1", Message { readiness: Some(Readiness::Stopping), ..Message::default() }),
            ("STATUS=a=b\tc", status("a=b c")),
            ("STATUS=", status("")),
            ("STATUS=one\nSTATUS=two", status("two")),
            ("WATCHDOG=1", Message { pulse: Some(Pulse::Alive), ..Message::default() }),
            ("WATCHDOG=trigger", Message { pulse: Some(Pulse::Ill), ..Message::default() }),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(want), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for (content, why) in [
            (&b""[..], "is empty"),
            (b"\0", "is empty"),
            (b"\0\0", "is not text"),
            (b"READY=1\0READY=1", "is not text"),
            (b"READY=1\nSTATUS=\xff", "is not text"),
        ] {
            assert_eq!(parse(content), Err(why), "{content:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_datagram_is_too_strange(content in proptest::collection::vec(proptest::num::u8::ANY, 0..4096)) {
            let _ = parse(&content);
        }

        #[test]
        fn a_status_is_one_short_printable_line(status in "\\PC*|[\\x00-\\xff]{0,300}") {
            if let Ok(Message { status: Some(line), .. }) = parse(format!("STATUS={status}").as_bytes()) {
                proptest::prop_assert!(line.len() < 300 && !line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
