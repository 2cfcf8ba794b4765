//! From an endpoint to an open websocket: names, TCP, TLS, handshake.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::Error as RustlsError;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error as SocketError};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::endpoint::Endpoint;

/// Longest message and frame that is taken in.
pub(super) const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Most that waits to be sent; what we send is small.
const MAX_WRITE_BYTES: usize = 4 << 20;
/// Room for one read from the socket.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// A second address gets its chance when the first has not answered for so long.
const HEAD_START: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// What a websocket runs on: TCP, encrypted or not.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Sync + Unpin {
    /// The connection beneath.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for tokio_rustls::client::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Transport for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// An open websocket, encrypted or not.
pub(super) type Socket = WebSocketStream<Box<dyn Transport>>;

/// Why there is no websocket.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The name has no address.
    Resolve(io::Error),
    /// Nobody listens there, or the network is down.
    Connect(io::Error),
    /// The server's certificate does not stand up, or it does not speak TLS.
    Tls(io::Error),
    /// An HTTP answer that is no websocket.
    Answer(Box<Response<Option<Vec<u8>>>>),
    /// Something else in the handshake.
    Handshake(SocketError),
}

/// Connects, without any time limit of its own.
pub(super) async fn dial(endpoint: &Endpoint, tls: &TlsConnector) -> Result<Socket, DialError> {
    let request = request(endpoint).map_err(DialError::Handshake)?;
    let stream = connect(&endpoint.host, endpoint.port).await?;
    // Pings and requests are small and must not wait for company.
    stream.set_nodelay(true).map_err(DialError::Connect)?;
    let transport: Box<dyn Transport> = if endpoint.tls {
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|error| DialError::Tls(io::Error::other(error)))?;
        Box::new(tls.connect(name, stream).await.map_err(DialError::Tls)?)
    } else {
        Box::new(stream)
    };
    let opened = client_async_with_config(request, transport, Some(socket_config())).await;
    match opened {
        Ok((socket, _)) => Ok(socket),
        Err(SocketError::Http(answer)) => Err(DialError::Answer(answer)),
        Err(error) => Err(DialError::Handshake(error)),
    }
}

/// Limits that fit a feed; the library's own are 16 times as wide, or none.
pub(super) fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .max_write_buffer_size(MAX_WRITE_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
}

fn request(endpoint: &Endpoint) -> tungstenite::Result<Request> {
    let mut request = endpoint.request_uri().into_client_request()?;
    for (name, value) in &endpoint.headers {
        let mut value = HeaderValue::from_str(value.expose())?;
        value.set_sensitive(true);
        let name = HeaderName::from_static(name);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// The first address that answers; the next one starts a moment after the one before, so that a
/// blackhole in front costs 250 ms and not the whole time limit. Names are resolved anew each time.
pub(crate) async fn connect(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = found
        .map_err(DialError::Resolve)?
        .take(MAX_ADDRESSES)
        .collect();
    let mut tries = JoinSet::new();
    for (address, delay) in addresses.into_iter().zip(0_u32..) {
        tries.spawn(async move {
            tokio::time::sleep(HEAD_START * delay).await;
            TcpStream::connect(address).await
        });
    }
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    while let Some(tried) = tries.join_next().await {
        match tried {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(panic) => failure = io::Error::other(panic),
        }
    }
    Err(DialError::Connect(failure))
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(error) => write!(f, "cannot resolve the name: {error}"),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Tls(error) => write!(f, "cannot secure the connection: {error}"),
            Self::Answer(answer) => write!(f, "answered {} to the handshake", answer.status()),
            Self::Handshake(error) => write!(f, "handshake failed: {error}"),
        }
    }
}

impl DialError {
    /// Whether somebody answered in the handshake, but not as a websocket does. A connection that
    /// breaks off in it says nothing.
    pub(super) fn is_nonsense(&self) -> bool {
        let Self::Handshake(error) = self else {
            return false;
        };
        !matches!(
            error,
            SocketError::Io(_) | SocketError::Protocol(ProtocolError::HandshakeIncomplete)
        )
    }

    /// Whether the certificate is at fault: it will not be better in a second.
    pub(crate) fn is_certificate(&self) -> bool {
        let Self::Tls(error) = self else { return false };
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<RustlsError>());
        matches!(inner, Some(RustlsError::InvalidCertificate(_)))
    }
}
