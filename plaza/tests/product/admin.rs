//! `plaza admin` on a running Plaza.

use std::time::Duration;

use plaza_testkit::eventually;
use serde_json::json;

use crate::support::{Answer, PASSWORD, Plaza};

const LOGIN: &str = "mutation($input: LoginInput!) { login(input: $input) { accessToken } }";

async fn login(plaza: &Plaza, username: &str) -> Answer {
    let input = json!({ "input": { "username": username, "password": PASSWORD } });
    plaza.graphql(None, LOGIN, input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_made_and_disables_an_account_at_once() {
    let plaza = Plaza::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).expect("a file");
    let file = file.to_str().expect("UTF-8");

    let complaint = plaza.admin(&["create", "root"]).await.unwrap_err();
    assert!(complaint.contains("--password-file"), "{complaint}");
    let made = plaza
        .admin(&["create", "root", "--password-file", file])
        .await;
    assert!(made.unwrap().contains("administrator"));
    login(&plaza, "root").await.data();
    let twice = plaza
        .admin(&["create", "ROOT", "--password-file", file])
        .await;
    assert!(twice.unwrap_err().contains("taken"));

    let person = plaza.person().await;
    let listed = plaza.admin(&["list"]).await.unwrap();
    assert!(listed.contains(&person.username) && listed.contains("root"));
    let admins = plaza.admin(&["list", "--admins"]).await.unwrap();
    assert!(!admins.contains(&person.username) && admins.contains("root"));

    let said = plaza.admin(&["disable", &person.username]).await.unwrap();
    assert!(said.contains("1 session was"), "{said}");
    eventually(Duration::from_secs(10), async || {
        let answer = person.ask(&plaza, "{ me { id } }", json!({})).await;
        answer.json["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    })
    .await;
    assert_eq!(login(&plaza, &person.username).await.code(), "FORBIDDEN");
    let token = "mutation { connectionToken { token } }";
    let refused = person.ask(&plaza, token, json!({})).await;
    assert_eq!(refused.code(), "UNAUTHENTICATED");

    plaza.admin(&["enable", &person.username]).await.unwrap();
    let token = login(&plaza, &person.username).await;
    let token = token.data()["login"]["accessToken"].as_str().unwrap();
    eventually(Duration::from_secs(10), async || {
        let me = plaza.graphql(Some(token), "{ me { id } }", json!({})).await;
        me.json["errors"].is_null()
    })
    .await;
    let nobody = plaza.admin(&["disable", "nobody-has-this"]).await;
    assert!(nobody.unwrap_err().contains("plaza admin list"));
}
