//! Trust: which authorities may vouch for a server.
//!
//! The system's authorities; where there are none (a bare container), Mozilla's, built in. A file
//! of one's own comes on top. TLS is 1.2 or newer, by rustls with ring; a wrong certificate is
//! never accepted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, Error as RustlsError, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM.
    #[error("cannot read certificates or a key from `{}`", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What happened.
        source: pem::Error,
    },
    /// A file holds no certificate.
    #[error("`{}` holds no certificate", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// What was read cannot be used.
    #[error("the certificate or key cannot be used")]
    Unusable(#[from] RustlsError),
}

/// A connector that trusts the system's authorities and those of `ca_file`.
pub(crate) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, TlsError> {
    Ok(TlsConnector::from(Arc::new(client_config(ca_file)?)))
}

/// What a client trusts: the system's authorities and those of `ca_file`.
pub(crate) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    // Single system certificates that cannot be read are left out, as every client does.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in ca_file.map(certificates).transpose()?.unwrap_or_default() {
        roots.add(certificate)?;
    }
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

/// An acceptor that shows the certificates of `cert_file`.
///
/// # Errors
/// [`TlsError`] when a file cannot be read or its content does not fit.
pub fn acceptor(cert_file: &Path, key_file: &Path) -> Result<TlsAcceptor, TlsError> {
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|source| TlsError::File {
        file: key_file.to_owned(),
        source,
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(cert_file)?, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File {
        file: file.to_owned(),
        source,
    };
    let list = CertificateDer::pem_file_iter(file).map_err(failed)?;
    let list: Vec<_> = list.collect::<Result<_, _>>().map_err(failed)?;
    if list.is_empty() {
        return Err(TlsError::NoCertificate {
            file: file.to_owned(),
        });
    }
    Ok(list)
}
