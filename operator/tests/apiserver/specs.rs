//! Any spec: what the CRD takes, where names of other objects are such as those
//! objects can have.

use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
    sample::select,
    strategy::Union,
    string::string_regex,
};
use serde_json::{Value, json};

/// Something of JSON.
type Any = BoxedStrategy<Value>;

/// A ChatDeployment in this namespace.
pub(crate) fn chats(namespace: &str) -> Any {
    let namespace = namespace.to_owned();
    (matching("[a-z]([-a-z0-9]{0,38}[a-z0-9])?"), specs())
        .prop_map(move |(name, spec)| {
            json!({
                "apiVersion": "plaza.dev/v1alpha1", "kind": "ChatDeployment",
                "metadata": {"name": name, "namespace": namespace},
                "spec": spec,
            })
        })
        .boxed()
}

fn specs() -> Any {
    let everywhere = vec![
        always("host", hosts()),
        maybe("version", fixed(&["0.1.0"])),
        maybe("image", images()),
        maybe("tls", object(vec![maybe("secretName", names())])),
        maybe(
            "additionalOrigins",
            list(fixed(&["http://localhost:8080", "https://b.org"]), 3),
        ),
        maybe(
            "trustedProxies",
            list(fixed(&["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]), 3),
        ),
        maybe("registration", fixed(&["Open", "Closed"])),
        maybe("gateway", component(cpu_autoscaling())),
        maybe("auth", component(cpu_autoscaling())),
        maybe("rooms", component(cpu_autoscaling())),
        maybe("messages", component(cpu_autoscaling())),
        maybe(
            "publisher",
            component(autoscaling("targetLagSeconds", 2, 300)),
        ),
        maybe(
            "centrifugo",
            component(autoscaling("targetConnections", 1, 1_000_000)),
        ),
        maybe("hibernated", flag()),
    ];
    let ways = one_of(vec![
        object(Vec::new()),
        object(vec![always("ingress", ingress())]),
        object(vec![always("httpRoute", route())]),
    ]);
    (object(everywhere), ways, data(), realtime(), networks())
        .prop_map(|(first, second, third, fourth, fifth)| {
            merged([first, second, third, fourth, fifth])
        })
        .boxed()
}

/// The databases, and what is for managed ones alone.
fn data() -> Any {
    let managed = object(vec![
        maybe("storage", storage()),
        maybe("resources", resources()),
        maybe("scheduling", scheduling()),
        maybe("maxConnections", between(200, 2_000)),
    ]);
    let restore = one_of(vec![
        object(vec![always("claimName", names()), backup_name()]),
        object(vec![always("s3", store()), backup_name()]),
    ]);
    let backup = object(vec![
        maybe(
            "schedule",
            fixed(&["0 3 * * *", "*/5 0-6 1,15 * 1-5", "30 2 * * 0"]),
        ),
        maybe("volume", storage()),
        maybe("s3", store()),
        maybe("keep", between(1, 1_000)),
        maybe("suspend", flag()),
    ]);
    let external = option::of(Just("ca")).prop_map(|ca| {
        let mut named = json!({"maxConnections": 1_000});
        for service in ["auth", "rooms", "messages"] {
            named[service] = json!({"secretName": "databases", "key": service});
        }
        if let Some(key) = ca {
            named["ca"] = json!({"secretName": "databases", "key": key});
        }
        json!({"postgres": {"external": named}})
    });
    one_of(vec![
        object(vec![
            always("postgres", object(vec![always("managed", managed)])),
            maybe("backup", backup),
            maybe("restore", restore),
        ]),
        external.boxed(),
    ])
}

fn backup_name() -> Field {
    maybe("backup", fixed(&["latest", "20260131T030000Z"]))
}

/// Redis, and what of real time depends on it.
fn realtime() -> Any {
    let managed = object(vec![
        maybe("storage", storage()),
        maybe("resources", resources()),
        maybe("scheduling", scheduling()),
    ]);
    let external = option::of(Just("centrifugo")).prop_map(|centrifugo| {
        let mut named = json!({"streams": {"secretName": "redis", "key": "streams"}});
        if let Some(key) = centrifugo {
            named["centrifugo"] = json!({"secretName": "redis", "key": key});
        }
        json!({"external": named})
    });
    let redis = one_of(vec![
        object(vec![always("managed", managed)]),
        external.boxed(),
    ]);
    let limits = vec![
        maybe("fanoutThreshold", between(2, 10_000)),
        maybe("connectionLifetimeSeconds", between(60, 86_400)),
    ];
    one_of(vec![
        object(vec![
            always("redis", redis),
            maybe("realtime", object(limits)),
        ]),
        Just(json!({"realtime": {"enabled": false}})).boxed(),
    ])
}

fn networks() -> Any {
    one_of(vec![
        object(vec![maybe(
            "networkPolicy",
            object(vec![
                maybe("enabled", flag()),
                maybe("ingressNamespaces", list(namespaces(), 2)),
                maybe("metricsNamespaces", list(namespaces(), 2)),
            ]),
        )]),
        object(vec![
            always(
                "networkPolicy",
                namespaces()
                    .prop_map(|name| json!({"metricsNamespaces": [name]}))
                    .boxed(),
            ),
            always(
                "monitoring",
                object(vec![
                    always("enabled", Just(json!(true)).boxed()),
                    maybe("interval", fixed(&["5s", "60s"])),
                    maybe("labels", labels()),
                ]),
            ),
        ]),
    ])
}

fn component(autoscaling: Any) -> Any {
    let settings = vec![
        maybe("resources", resources()),
        maybe("scheduling", scheduling()),
        maybe("env", variables()),
    ];
    let number = one_of(vec![
        object(vec![maybe("replicas", between(1, 3))]),
        object(vec![always("autoscaling", autoscaling)]),
    ]);
    (object(settings), number)
        .prop_map(|(settings, number)| merged([settings, number]))
        .boxed()
}

fn cpu_autoscaling() -> Any {
    autoscaling("targetCpuPercent", 1, 1_000)
}

fn autoscaling(target: &'static str, least: i64, most: i64) -> Any {
    (1..=2_i64, 0..=1_i64, option::of(least..=most))
        .prop_map(move |(min, more, aim)| {
            let mut all = json!({"minReplicas": min, "maxReplicas": min + more});
            if let Some(aim) = aim {
                all[target] = json!(aim);
            }
            all
        })
        .boxed()
}

/// Requests are at most what the limits are.
fn resources() -> Any {
    let amount = |name, requests: &[&str], limits: &[&str]| {
        let of = |amounts: &[&str]| option::of(fixed(amounts));
        (of(requests), of(limits)).prop_map(move |(request, limit)| (name, request, limit))
    };
    let cpu = amount("cpu", &["0", "10m", "0.5"], &["1", "1500m"]);
    let memory = amount("memory", &["64Mi", "0.1Gi"], &["512Mi", "1G"]);
    (cpu, memory)
        .prop_map(|amounts| {
            let mut all = json!({});
            for (name, request, limit) in [amounts.0, amounts.1] {
                for (kind, amount) in [("requests", request), ("limits", limit)] {
                    if let Some(amount) = amount {
                        all[kind][name] = amount;
                    }
                }
            }
            all
        })
        .boxed()
}

fn scheduling() -> Any {
    let toleration = one_of(vec![
        Just(json!({"operator": "Exists"})).boxed(),
        Just(json!({"key": "dedicated", "value": "chat", "effect": "NoSchedule"})).boxed(),
        Just(json!({
            "key": "example.org/spot", "operator": "Exists", "effect": "NoExecute",
            "tolerationSeconds": 60,
        }))
        .boxed(),
    ]);
    object(vec![
        maybe("nodeSelector", labels()),
        maybe("tolerations", list(toleration, 3)),
        maybe("priorityClassName", names()),
    ])
}

fn storage() -> Any {
    object(vec![
        always("size", fixed(&["1Gi", "2500M", "0.5Ti"])),
        maybe("storageClassName", names()),
        maybe("retention", fixed(&["Retain", "Delete"])),
    ])
}

fn store() -> Any {
    let key = json!({"secretName": "store"});
    object(vec![
        always(
            "endpoint",
            fixed(&["https://s3.example.org", "http://[2001:db8::1]:9000"]),
        ),
        always("bucket", matching("[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]")),
        maybe("region", fixed(&["eu-central-1"])),
        maybe(
            "prefix",
            matching("[A-Za-z0-9_][A-Za-z0-9._-]{0,9}(/[a-z]{1,4}){0,2}"),
        ),
        maybe("pathStyle", flag()),
        always("accessKeyId", Just(key.clone()).boxed()),
        always("secretAccessKey", Just(key).boxed()),
    ])
}

fn images() -> Any {
    let image = || {
        fixed(&[
            "mirror.example.org:5000/a/b:1",
            "b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ])
    };
    object(vec![
        maybe(
            "registry",
            fixed(&["mirror.example.org:5000/plaza", "localhost"]),
        ),
        maybe("plaza", image()),
        maybe("centrifugo", image()),
        maybe("postgres", image()),
        maybe("redis", image()),
        maybe("pullPolicy", fixed(&["Always", "IfNotPresent", "Never"])),
        maybe("pullSecrets", pull_secrets()),
    ])
}

fn pull_secrets() -> Any {
    btree_set("[a-z][-a-z0-9]{0,10}[a-z0-9]", 0..3)
        .prop_map(|all| json!(all))
        .boxed()
}

fn ingress() -> Any {
    object(vec![
        maybe("enabled", flag()),
        maybe("className", names()),
        maybe("annotations", labels()),
    ])
}

fn route() -> Any {
    let parent = object(vec![
        always("name", names()),
        maybe("namespace", namespaces()),
        maybe("sectionName", names()),
    ]);
    object(vec![
        always(
            "parentRefs",
            list(parent, 2)
                .prop_filter("one is needed", |all| all != &json!([]))
                .boxed(),
        ),
        maybe("annotations", labels()),
    ])
}

fn variables() -> Any {
    btree_map("EXTRA_[A-Z]{1,3}", "[ -~é☃]{0,20}", 0..3)
        .prop_map(|all| {
            let all = all.into_iter();
            all.map(|(name, value)| json!({"name": name, "value": value}))
                .collect()
        })
        .boxed()
}

fn labels() -> Any {
    btree_map(
        "([a-z]{1,8}\\.org/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?",
        "([A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?)?",
        0..3,
    )
    .prop_map(|all| json!(all))
    .boxed()
}

fn hosts() -> Any {
    matching("([a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?\\.){0,3}[a-z]([-a-z0-9]{0,10}[a-z0-9])?")
}

/// Of objects.
fn names() -> Any {
    matching("[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?")
}

fn namespaces() -> Any {
    matching("[a-z]([-a-z0-9]{0,30}[a-z0-9])?")
}

// --- JSON --------------------------------------------------------------------

/// A field, which may be absent.
type Field = (&'static str, BoxedStrategy<Option<Value>>);

fn always(name: &'static str, value: Any) -> Field {
    (name, value.prop_map(Some).boxed())
}

fn maybe(name: &'static str, value: Any) -> Field {
    (name, option::of(value).boxed())
}

fn object(fields: Vec<Field>) -> Any {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            let given = names.iter().zip(values);
            let given = given.filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Value::Object(given.collect())
        })
        .boxed()
}

fn list(of: Any, most: usize) -> Any {
    vec(of, 0..=most).prop_map(Value::Array).boxed()
}

fn one_of(all: Vec<Any>) -> Any {
    Union::new(all).boxed()
}

fn fixed(values: &[&str]) -> Any {
    let values: Vec<Value> = values.iter().map(|value| json!(value)).collect();
    select(values).boxed()
}

fn matching(pattern: &str) -> Any {
    string_regex(pattern).unwrap().prop_map(Value::from).boxed()
}

fn flag() -> Any {
    any::<bool>().prop_map(Value::from).boxed()
}

/// One object with the fields of all.
fn merged(parts: impl IntoIterator<Item = Value>) -> Value {
    let parts = parts.into_iter();
    let fields = parts.flat_map(|part| part.as_object().unwrap().clone());
    Value::Object(fields.collect())
}

fn between(least: i64, most: i64) -> Any {
    (least..=most).prop_map(Value::from).boxed()
}
