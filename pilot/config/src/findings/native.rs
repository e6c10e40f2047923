//! The native probe that asks the same as a command: `curl`, `wget`, `nc -z` and `mysqladmin ping`, alone or in a shell.
//!
//! Says nothing where the answer would not be the same: an unknown option, a login, more than one command.

use std::fmt::Write as _;

use pilot_core::plan::Command;

/// What to write instead of `exec`, if pilot can ask the same by itself. `port` is the job's own.
pub(super) fn instead_of(command: &Command, port: Option<u16>) -> Option<String> {
    let words: Vec<&str> =
        std::iter::once(command.program.as_str()).chain(command.args.iter().map(String::as_str)).collect();
    let words = match words.as_slice() {
        [shell, "-c", script] if matches!(file_name(shell), "sh" | "bash" | "ash" | "dash") => simple(script)?,
        words => words.to_vec(),
    };
    let (program, args) = words.split_first()?;
    match file_name(program) {
        "curl" => curl(args)?.written(port),
        "wget" => wget(args)?.written(port),
        "nc" | "ncat" | "netcat" => tcp(args, port),
        "mysqladmin" => mysql(args),
        _ => None,
    }
}

fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The words of a script that is one command; what it does with its output and its exit code beside that says nothing more.
fn simple(script: &str) -> Option<Vec<&str>> {
    let script = script.trim();
    let script = ["|| exit 1", "||exit 1"].iter().find_map(|end| script.strip_suffix(end)).unwrap_or(script);
    let mut words = Vec::new();
    let mut all = script.split_whitespace();
    while let Some(word) = all.next() {
        match word {
            ">/dev/null" | "1>/dev/null" | "2>/dev/null" | "&>/dev/null" | "2>&1" => {}
            ">" | "1>" | "2>" | "&>" if all.next() == Some("/dev/null") => {}
            word if word.contains(['$', '`', '|', '&', ';', '(', ')', '<', '>', '\\', '*']) => return None,
            word => words.push(word.trim_matches(['"', '\''])),
        }
    }
    Some(words)
}

/// A request as an HTTP probe makes it.
#[derive(Default)]
struct Request<'a> {
    url: Option<&'a str>,
    method: Option<&'a str>,
    headers: Vec<(&'a str, &'a str)>,
    insecure: bool,
    timeout: Option<&'a str>,
    /// Every answer passes, whatever its status.
    any_status: bool,
}

/// An option with what may follow it, either in the same word or in the next one.
enum Word<'a> {
    Flag(&'a str),
    Plain(&'a str),
}

/// Words of a command line: `-fsS` is `-f -s -S`, `--max-time=5` is `--max-time 5`.
fn split<'a>(args: &[&'a str], takes_value: fn(&str) -> bool) -> Option<Vec<(Word<'a>, Option<&'a str>)>> {
    let mut words = Vec::new();
    let mut rest = args.iter().copied();
    while let Some(word) = rest.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let value = if takes_value(name) { Some(value.or_else(|| rest.next())?) } else { value };
            words.push((Word::Flag(name), value));
        } else if let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) {
            let mut at = 0;
            for (index, letter) in short.char_indices() {
                if index < at {
                    continue;
                }
                let name = short.get(index..index + letter.len_utf8())?;
                let attached = short.get(index + letter.len_utf8()..).filter(|rest| !rest.is_empty());
                if takes_value(name) {
                    words.push((Word::Flag(name), Some(attached.or_else(|| rest.next())?)));
                    at = short.len();
                } else {
                    words.push((Word::Flag(name), None));
                }
            }
        } else {
            words.push((Word::Plain(word), None));
        }
    }
    Some(words)
}

fn curl<'a>(args: &[&'a str]) -> Option<Request<'a>> {
    let takes_value = |name: &str| {
        ["o", "output", "m", "max-time", "connect-timeout", "H", "header", "X", "request", "w", "write-out"]
            .contains(&name)
    };
    let mut request = Request { any_status: true, ..Request::default() };
    for (word, value) in split(args, takes_value)? {
        match (word, value) {
            (Word::Plain(url), _) if request.url.is_none() => request.url = Some(url),
            (Word::Plain(_), _) => return None,
            (Word::Flag("f" | "fail" | "fail-with-body"), _) => request.any_status = false,
            (
                Word::Flag("s" | "silent" | "S" | "show-error" | "L" | "location" | "i" | "include" | "g" | "N" | "v"),
                _,
            ) => {}
            (Word::Flag("w" | "write-out" | "connect-timeout"), _) => {}
            (Word::Flag("o" | "output"), Some("/dev/null" | "-")) => {}
            (Word::Flag("k" | "insecure"), _) => request.insecure = true,
            (Word::Flag("I" | "head"), _) => request.method = Some("HEAD"),
            (Word::Flag("X" | "request"), Some(method)) => request.method = Some(method),
            (Word::Flag("m" | "max-time"), Some(seconds)) => request.timeout = Some(seconds),
            (Word::Flag("H" | "header"), Some(header)) => request.headers.push(header.split_once(':')?),
            (Word::Flag(_), _) => return None,
        }
    }
    Some(request)
}

fn wget<'a>(args: &[&'a str]) -> Option<Request<'a>> {
    let takes_value = |name: &str| {
        ["O", "output-document", "o", "output-file", "T", "timeout", "t", "tries", "header"].contains(&name)
    };
    let mut request = Request::default();
    // `-nv` is one option.
    let args: Vec<&str> = args.iter().copied().filter(|arg| *arg != "-nv").collect();
    for (word, value) in split(&args, takes_value)? {
        match (word, value) {
            (Word::Plain(url), _) if request.url.is_none() => request.url = Some(url),
            (Word::Plain(_), _) => return None,
            (Word::Flag("q" | "quiet" | "S" | "server-response" | "no-verbose" | "t" | "tries" | "spider"), _) => {}
            (Word::Flag("O" | "output-document" | "o" | "output-file"), Some("/dev/null" | "-")) => {}
            (Word::Flag("T" | "timeout"), Some(seconds)) => request.timeout = Some(seconds),
            (Word::Flag("no-check-certificate"), _) => request.insecure = true,
            (Word::Flag("header"), Some(header)) => request.headers.push(header.split_once(':')?),
            (Word::Flag(_), _) => return None,
        }
    }
    Some(request)
}

impl Request<'_> {
    /// As it is written in a health block.
    fn written(&self, port: Option<u16>) -> Option<String> {
        let url = address(self.url?, port)?;
        let plain = self.method.is_none_or(|method| method == "GET")
            && self.headers.is_empty()
            && !self.insecure
            && !self.any_status;
        let mut text = if plain {
            format!("http: {url:?}")
        } else {
            let mut text = format!("http: {{ url: {url:?}");
            if let Some(method) = self.method {
                let _ = write!(text, ", method: {method:?}");
            }
            if !self.headers.is_empty() {
                let pairs: Vec<String> =
                    self.headers.iter().map(|(name, value)| format!("{name:?}: {:?}", value.trim())).collect();
                let _ = write!(text, ", headers: {{ {} }}", pairs.join(", "));
            }
            if self.any_status {
                text.push_str(", status: \"100-599\"");
            }
            if self.insecure {
                text.push_str(", insecure: true");
            }
            text.push_str(" }");
            text
        };
        if let Some(seconds) = self.timeout {
            let seconds: f64 = seconds.parse().ok().filter(|seconds| *seconds > 0.0)?;
            let _ = write!(text, ", timeout: \"{seconds}s\"");
        }
        Some(text)
    }
}

/// A URL as a probe takes it: a path alone if it is the job's own port.
fn address(url: &str, port: Option<u16>) -> Option<String> {
    let url = url.trim_matches(['"', '\'']);
    let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let rest = with_scheme.strip_prefix("http://").or_else(|| with_scheme.strip_prefix("https://"))?;
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    // A login or what only a shell or curl understands.
    if host.is_empty() || url.contains(['@', '{', '[', '$', ' ', '#']) {
        return None;
    }
    let path = if path.is_empty() { "/" } else { path };
    let own = |port: u16| [format!("localhost:{port}"), format!("127.0.0.1:{port}")].iter().any(|own| own == host);
    let standard = port == Some(80) && matches!(host, "localhost" | "127.0.0.1");
    match port {
        Some(port) if with_scheme.starts_with("http://") && (own(port) || standard) => Some(path.to_owned()),
        Some(_) | None => Some(format!("{}{path}", with_scheme.strip_suffix(path).unwrap_or(&with_scheme))),
    }
}

fn tcp(args: &[&str], own: Option<u16>) -> Option<String> {
    let mut plain = Vec::new();
    let mut only_looks = false;
    let takes_value = |name: &str| name == "w";
    for (word, _) in split(args, takes_value)? {
        match word {
            Word::Flag("z") => only_looks = true,
            Word::Flag("v" | "w" | "n") => {}
            Word::Flag(_) => return None,
            Word::Plain(word) => plain.push(word),
        }
    }
    let [host, port] = plain.as_slice() else { return None };
    let port: u16 = port.parse().ok().filter(|_| only_looks)?;
    let here = matches!(*host, "localhost" | "127.0.0.1") || own == Some(port) && *host == "0.0.0.0";
    Some(if here { format!("tcp: {port}") } else { format!("tcp: \"{host}:{port}\"") })
}

fn mysql(args: &[&str]) -> Option<String> {
    let takes_value = |name: &str| ["h", "host", "P", "port", "u", "user"].contains(&name);
    let (mut host, mut port, mut user, mut pings) = ("127.0.0.1", None, "USER", false);
    for (word, value) in split(args, takes_value)? {
        match (word, value) {
            (Word::Plain("ping"), _) => pings = true,
            (Word::Flag("h" | "host"), Some("localhost")) => {}
            (Word::Flag("h" | "host"), Some(value)) => host = value,
            (Word::Flag("P" | "port"), Some(value)) => port = Some(value),
            (Word::Flag("u" | "user"), Some(value)) => user = value,
            (Word::Flag("s" | "silent"), _) => {}
            // The password is not repeated, wherever it is.
            (Word::Flag("password"), _) => {}
            (Word::Flag(_) | Word::Plain(_), _) => return None,
        }
    }
    let port = port.map(|port| format!(", port: {port}")).unwrap_or_default();
    pings.then(|| format!("mysql: {{ host: {host:?}{port}, user: {user:?}, passwordFile: \"FILE\" }}"))
}
