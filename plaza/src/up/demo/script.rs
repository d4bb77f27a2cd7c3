//! What the demo consists of.

/// A room, its people (the first makes it) and what they said.
pub(super) struct DemoRoom {
    pub(super) name: &'static str,
    pub(super) topic: &'static str,
    pub(super) people: &'static [&'static str],
    pub(super) messages: &'static [(&'static str, &'static str)],
}

/// Username and display name.
pub(super) const PEOPLE: &[(&str, &str)] = &[
    ("maya", "Maya Okafor"),
    ("jonas", "Jonas Lindqvist"),
    ("aiko", "Aiko Tanaka"),
    ("luis", "Luis Ferreira"),
];

pub(super) const ROOMS: &[DemoRoom] = &[
    DemoRoom {
        name: "Book club",
        topic: "One book a month, spoilers after the 20th",
        people: &["aiko", "maya", "luis"],
        messages: &[
            (
                "aiko",
                "Votes are in: we read *The Left Hand of Darkness* this month.",
            ),
            ("luis", "Finally! I have had it on my shelf for years."),
            ("maya", "Paper or e-reader, what is everybody using?"),
            ("luis", "Paper. I want to scribble in the margins."),
            (
                "aiko",
                "First meeting on Thursday the 12th, chapters 1 to 6.",
            ),
        ],
    },
    DemoRoom {
        name: "Weekend hikes",
        topic: "Plans, weather and photos",
        people: &["jonas", "maya", "aiko", "luis"],
        messages: &[
            ("jonas", "Saturday looks dry until four. The ridge trail?"),
            ("maya", "Yes! How long did it take you last time?"),
            (
                "jonas",
                "Five hours with a long lunch. Details:\n\n- start at the mill, 8:30\n- 14 km, 620 m up\n- bus back at 15:10 or 16:40",
            ),
            ("aiko", "I can bring the stove and **real** coffee."),
            ("luis", "Then I am in. Who has room in a car?"),
            ("maya", "Two seats free, I pass the station at 7:50."),
            ("luis", "Perfect, thank you!"),
        ],
    },
    DemoRoom {
        name: "Release 1.0",
        topic: "What is left until we ship",
        people: &["maya", "jonas", "aiko"],
        messages: &[
            (
                "maya",
                "Two things are open: the migration notes and the load test.",
            ),
            (
                "aiko",
                "Load test ran over night, nothing lost. Report follows.",
            ),
            (
                "jonas",
                "Migration notes are in review. One question: do we keep the old flag?",
            ),
            (
                "maya",
                "Keep it for one release and log a warning, like `--legacy-import is going away in 1.1`.",
            ),
            ("jonas", "Good, done."),
            (
                "aiko",
                "Here is how I ran it, so that you can repeat it:\n\n```\nplaza up --no-demo --port 9000\n```",
            ),
            ("maya", "Lovely. Then we tag on Monday. 🎉"),
        ],
    },
    DemoRoom {
        name: "Lobby",
        topic: "Say hello",
        people: &["maya", "jonas", "aiko", "luis"],
        messages: &[
            (
                "maya",
                "Welcome to Plaza! Open this page in a second browser and sign in as somebody else.",
            ),
            (
                "jonas",
                "Hello! Everything you type here shows up there at once.",
            ),
            ("luis", "Olá 👋"),
            (
                "aiko",
                "こんにちは! Try *Discover* to find the other rooms.",
            ),
        ],
    },
];
