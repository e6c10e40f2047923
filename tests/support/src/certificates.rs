//! Certificate authorities that nobody else knows, made by the `openssl` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;

/// An authority: `NAME.ca` and `NAME.ca.key` in a directory.
#[derive(Clone, Debug)]
pub struct Authority {
    directory: PathBuf,
    name: String,
}

/// A certificate and its private key, as PEM files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate alone, without its authority's.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
}

const NEW_KEY: &str = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

impl Authority {
    /// Makes an authority of this name in a directory that exists. Its files are valid for two days.
    #[track_caller]
    pub fn new(directory: &Path, name: &str) -> Authority {
        let authority = Authority { directory: directory.to_owned(), name: name.to_owned() };
        authority.openssl(&format!(
            "{NEW_KEY} -x509 -days 2 -subj /CN={name}-authority -keyout {name}.ca.key -out {name}.ca"
        ));
        authority
    }

    /// The file with its own certificate, as a client's `caFile` wants it.
    pub fn file(&self) -> PathBuf {
        self.directory.join(format!("{}.ca", self.name))
    }

    /// A certificate `NAME.cert` for these subject alternative names, such as `DNS:localhost,IP:127.0.0.1`.
    #[track_caller]
    pub fn certify(&self, name: &str, subjects: &str) -> Certificate {
        let authority = &self.name;
        std::fs::write(self.directory.join(format!("{name}.names")), format!("subjectAltName={subjects}\n"))
            .expect("a file in the authority's directory can be written");
        self.openssl(&format!("{NEW_KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
        self.openssl(&format!(
            "x509 -req -days 2 -CA {authority}.ca -CAkey {authority}.ca.key -CAcreateserial -extfile {name}.names \
             -in {name}.csr -out {name}.cert"
        ));
        let path = |end: &str| self.directory.join(format!("{name}.{end}"));
        Certificate { certificate: path("cert"), key: path("key") }
    }

    #[track_caller]
    fn openssl(&self, arguments: &str) {
        run(Command::new("openssl").args(arguments.split(' ')).current_dir(&self.directory)).success();
    }
}
