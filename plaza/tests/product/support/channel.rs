use serde_json::{Value, json};

use super::Plaza;

impl Plaza {
    /// A port of one of the parts, by its name in the data folder.
    pub(crate) fn port(&self, name: &str) -> u16 {
        let path = self.folder().join("ports.json");
        let ports: Value =
            serde_json::from_str(&std::fs::read_to_string(path).expect("the ports")).expect("JSON");
        ports[name]
            .as_u64()
            .and_then(|port| port.try_into().ok())
            .unwrap_or_else(|| panic!("no port of {name} in {ports}"))
    }

    /// The events that Centrifugo delivered on a channel, oldest first: up to
    /// the 64 newest publications of the last two minutes.
    pub(crate) async fn events(&self, channel: &str) -> Vec<Value> {
        let url = format!(
            "http://127.0.0.1:{}/api/history",
            self.port("centrifugo-api")
        );
        let answer: Value = self
            .client
            .post(url)
            .header("x-api-key", self.secret("centrifugo-api-key"))
            .json(&json!({ "channel": channel, "limit": 300 }))
            .send()
            .await
            .expect("Centrifugo answers")
            .json()
            .await
            .expect("JSON");
        let publications = answer["result"]["publications"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        publications
            .iter()
            .flat_map(|publication| {
                publication["data"]["events"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default()
            })
            .collect()
    }

    /// What a part answers on its operations port.
    pub(crate) async fn operations(&self, part: &str, path: &str) -> (u16, String) {
        let url = format!(
            "http://127.0.0.1:{}{path}",
            self.port(&format!("{part}-operations"))
        );
        let answer = self.client.get(url).send().await.expect("the part answers");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// The log of a part: one JSON object a line.
    pub(crate) fn log_of(&self, part: &str) -> Vec<Value> {
        let path = self.folder().join("log").join(format!("{part}.log"));
        std::fs::read_to_string(path)
            .expect("a log")
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{part}: {error}: {line}"))
            })
            .collect()
    }
}
