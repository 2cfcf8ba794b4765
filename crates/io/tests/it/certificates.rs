//! Certificates of a test: an authority, what it vouches for, and another that knows nothing of it.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// Two authorities, in files.
pub(crate) struct Authorities {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The one that vouches for identities.
    pub(crate) ours: PathBuf,
    /// The one that does not.
    pub(crate) stranger: PathBuf,
}

/// A certificate and its key, in files.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authorities {
    pub(crate) fn new() -> Self {
        let [ours, theirs] = [(), ()].map(|()| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        });
        let folder = tempfile::tempdir().unwrap();
        Self {
            ours: write(&folder, "ca.pem", &ours.pem()),
            stranger: write(&folder, "other.pem", &theirs.pem()),
            issuer: ours,
            folder,
        }
    }

    /// Vouches for `name` on these hosts.
    pub(crate) fn identity(&self, name: &str, hosts: &[&str]) -> Identity {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(hosts).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        let file =
            |ending: &str, text: &str| write(&self.folder, &(name.to_owned() + ending), text);
        Identity {
            certificate: file("-cert.pem", &certificate),
            key: file("-key.pem", &key.serialize_pem()),
        }
    }
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}
