//! TLS and passwords, against a broker that asks for both.

use std::fs;
use std::path::{Path, PathBuf};

use stock_up_io::feed::Secret;
use stock_up_io::queue::kafka::{KafkaConsumer, Mechanism, SaslConfig, TlsConfig, probe};
use stock_up_io::queue::{Producer, QueueError};

use super::Topic;
use super::server::OwnBroker;
use crate::queue::ledger::{Reader, message};
use crate::queue::{Broker, within};

const PASSWORD: &str = "CANARY-7f3a";

/// Writes an authority and the broker's certificate; gives the lines that make the broker use it.
fn secured(port: u16, folder: &Path) -> (String, String) {
    let authority = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (authority.cert.pem(), authority.signing_key.serialize_pem());
    fs::write(folder.join("ca.pem"), &cert).unwrap();
    fs::write(folder.join("broker.pem"), format!("{key}{cert}")).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.join("other.pem"), other.cert.pem()).unwrap();
    let modules = "org.apache.kafka.common.security";
    let scram = format!("{modules}.scram.ScramLoginModule required;");
    let shown = folder.display();
    let lines = [
        "listener.name.secure.ssl.keystore.type=PEM".into(),
        format!("listener.name.secure.ssl.keystore.location={shown}/broker.pem"),
        "listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512".into(),
        format!(
            "listener.name.secure.plain.sasl.jaas.config={modules}.plain.PlainLoginModule \
             required user_collect=\"{PASSWORD}\";"
        ),
        format!("listener.name.secure.scram-sha-256.sasl.jaas.config={scram}"),
        format!("listener.name.secure.scram-sha-512.sasl.jaas.config={scram}"),
        format!("+listeners=,SECURE://127.0.0.1:{port}"),
        format!("+advertised.listeners=,SECURE://127.0.0.1:{port}"),
        "+listener.security.protocol.map=,SECURE:SASL_SSL".into(),
    ];
    let user = |mechanism| format!("--add-scram '{mechanism}=[name=collect,password={PASSWORD}]'");
    let users = [user("SCRAM-SHA-256"), user("SCRAM-SHA-512")];
    (lines.join("\n"), users.join(" "))
}

struct Access {
    folder: PathBuf,
    port: u16,
}

impl Access {
    fn topic(&self, mechanism: Mechanism, password: &str, ca: &str) -> Topic {
        let mut topic = Topic::at(&format!("127.0.0.1:{}", self.port), "secure");
        topic.0.tls = Some(TlsConfig {
            ca_file: Some(self.folder.join(ca)),
            ..TlsConfig::default()
        });
        topic.0.sasl = Some(SaslConfig {
            mechanism,
            user: "collect".to_owned(),
            password: Secret::new(password),
            password_file: None,
        });
        topic
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_password_let_us_in_and_a_wrong_one_of_either_does_not() {
    let Some(mut broker) = OwnBroker::new("secure", secured) else {
        return;
    };
    broker.start().await;
    let access = Access {
        folder: broker.folder(),
        port: broker.secure,
    };
    for mechanism in [
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ] {
        let topic = access.topic(mechanism, PASSWORD, "ca.pem");
        topic.0.check().unwrap();
        let mut producer = topic.producer().await;
        within("publish", producer.publish(&[message(0, 0)]))
            .await
            .unwrap();
        let mut consumer = topic.consumer().await;
        let mut reader = Reader::default();
        within("read", reader.read_to(&mut consumer, &[(0, 1)])).await;

        let topic = access.topic(mechanism, "CANARY-wrong", "ca.pem");
        let refused = probe(&topic.0).await.unwrap_err();
        let text = refused.to_string();
        assert!(
            matches!(refused, QueueError::Refused { .. }),
            "{mechanism:?}: {text}"
        );
        assert!(!text.contains("CANARY"), "{text}");
        KafkaConsumer::group(&topic.0).await.unwrap_err();
    }
    let topic = access.topic(Mechanism::Plain, PASSWORD, "other.pem");
    let unknown = probe(&topic.0).await.unwrap_err();
    assert!(
        matches!(unknown, QueueError::Misconfigured { .. }),
        "{unknown}"
    );
    assert!(unknown.to_string().contains("tls.ca_file"), "{unknown}");
    let topic = access.topic(Mechanism::Plain, PASSWORD, "none.pem");
    let unread = probe(&topic.0).await.unwrap_err();
    assert!(
        matches!(unread, QueueError::Misconfigured { .. }),
        "{unread}"
    );
    assert!(!unread.to_string().contains("CANARY"), "{unread}");
    // Without TLS, a listener with TLS just hangs up.
    let mut topic = access.topic(Mechanism::Plain, PASSWORD, "ca.pem");
    topic.0.tls = None;
    let plain = probe(&topic.0).await.unwrap_err();
    assert!(!plain.to_string().contains("CANARY"), "{plain}");
}
