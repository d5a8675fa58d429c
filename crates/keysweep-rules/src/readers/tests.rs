//! Readers on what they read, and on what they do not.

use super::*;
use crate::random::Random;

const WHOLE: Tried = Tried { last: true, at_start: true };
const PART: Tried = Tried { last: false, at_start: false };

/// The values that a reader tells at all places of these literals, with their names.
fn told(reader: &str, anchors: &[&str], text: &str) -> Vec<(String, String)> {
    told_with(reader, anchors, text, &mut Notes::new(true))
}

fn told_with(reader: &str, anchors: &[&str], text: &str, notes: &mut Notes) -> Vec<(String, String)> {
    let lower = text.to_ascii_lowercase();
    let mut places: Vec<(usize, usize)> = anchors
        .iter()
        .flat_map(|anchor| {
            lower.match_indices(&anchor.to_ascii_lowercase()).map(|(at, a)| (at, at + a.len())).collect::<Vec<_>>()
        })
        .collect();
    places.sort_unstable();
    let mut found = Vec::new();
    let mut examined = 0;
    for anchor in places {
        if anchor.0 < examined {
            continue;
        }
        let listing = (by_name(reader).unwrap().read)(&Text { window: text.as_bytes(), anchor, tried: WHOLE }, notes);
        examined = examined.max(listing.examined);
        found.extend(listing.values.into_iter().map(|value| (value.name, text[value.at].to_owned())));
    }
    found
}

const SQL: [&str; 6] = ["create table", "insert into", "ignore into", "replace into", "insert [", "from stdin"];

fn sql(text: &str) -> Vec<String> {
    told("sql-rows", &SQL, text).into_iter().map(|(_, value)| value).collect()
}

fn manifest(text: &str) -> Vec<String> {
    let data = told("kubernetes-data", &["kind: Secret", "\"kind\":\"Secret\"", "\"kind\": \"Secret\""], text);
    let clear = told("kubernetes-string-data", &["stringData:", "\"stringData\""], text);
    data.into_iter().chain(clear).map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn all_rows_of_a_statement_are_told() {
    let cases = [
        // As `mysqldump`, `sqlite3 .dump`, `pg_dump --inserts`, SQL Server and Oracle write them.
        "CREATE TABLE `users` (\n  `id` int NOT NULL AUTO_INCREMENT COMMENT 'a, (b',\n  `note` varchar(10) DEFAULT ',',\n  `password` varchar(60),\n  PRIMARY KEY (`id`),\n  KEY `password` (`password`)\n) ENGINE=InnoDB;\n/*!40000 ALTER TABLE `users` DISABLE KEYS */;\nINSERT INTO `users` VALUES (1,'it\\'s',\"AAAAAAAA\"),(2,'x\\\\','BBBBBBBB'),(3,NULL,NULL);",
        "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, password TEXT, UNIQUE(name));\nINSERT INTO users VALUES(1,'a(''','AAAAAAAA');\nINSERT INTO users VALUES(2,replace('b\\nc','\\n',char(10)),'BBBBBBBB');\n",
        "CREATE TABLE public.users (\n    id integer NOT NULL,\n    key character varying(9),\n    password text\n);\nINSERT INTO public.users VALUES (1, 'c:\\', 'AAAAAAAA');\nINSERT INTO public.users VALUES (2, '', 'BBBBBBBB');\n",
        "INSERT [dbo].[Users] ([Id], [User Name], [Password]) VALUES (1, N'a', N'AAAAAAAA')\r\nGO\r\nINSERT [dbo].[Users] ([Id], [User Name], [Password]) VALUES (2, CAST(N'x' AS Date), N'BBBBBBBB')\r\nGO\r\n",
        "Insert into SCOTT.USERS (ID,PASSWORD) values (1,'AAAAAAAA');\nInsert into SCOTT.USERS (ID,PASSWORD) values (to_date('01','DD'),'BBBBBBBB');",
        "REPLACE INTO \"users\" (\"password\", \"n\") VALUES\n  ('AAAAAAAA', _binary 'x'), -- first\n  (E'BBBBBBBB', x'00');",
        "insert or ignore into users (password) values ('AAAAAAAA'), ('BBBBBBBB') on conflict do nothing",
        // In a literal of a program.
        "db.exec(\"INSERT INTO users (\\\"name\\\", \\\"password\\\") VALUES ('a', 'AAAAAAAA'),\\n('b', 'BBBBBBBB')\");",
        "COPY public.users (id, name, password) FROM stdin;\n1\ta b\tAAAAAAAA\n2\t\tBBBBBBBB\n3\t\\N\t\\N\n\\.\n",
        "CREATE TABLE public.users (id int, password text, x text);\nCOPY public.users FROM stdin;\r\n1\tAAAAAAAA\t\r\n2\tBBBBBBBB\tx\r\n\\.\r\n",
    ];
    for text in cases {
        assert_eq!(sql(text), ["AAAAAAAA", "BBBBBBBB"], "{text}");
    }
}

#[test]
fn what_is_in_no_column_of_secrets_is_not_told() {
    for text in [
        "INSERT INTO users (id, name) VALUES (1, 'AAAAAAAA');",
        "INSERT INTO users VALUES (1, 'AAAAAAAA');",
        // As many values as columns are needed.
        "INSERT INTO users (id, password) VALUES (1, 'x', 'AAAAAAAA');",
        "CREATE TABLE users (password text); INSERT INTO users VALUES ('AAAAAAAA', 1);",
        "CREATE TABLE users (password text); INSERT INTO people VALUES ('AAAAAAAA');",
        // The later definition holds.
        "CREATE TABLE u (password text); CREATE TABLE u (name text); INSERT INTO u VALUES ('AAAAAAAA');",
        "INSERT INTO users (password) VALUES ('AAAAAAAA' || name);",
        "INSERT INTO users (password) VALUES (md5('AAAAAAAA'));",
        "INSERT INTO users (password) SELECT 'AAAAAAAA'",
        "INSERT INTO users (password) VALUES ('AAAA AAAA'), ('short');",
        "INSERT INTO users (password_hash, reset_password_token, token, remember_token) VALUES ('AAAAAAAA','AAAAAAAA','AAAAAAAA','AAAAAAAA');",
        "INSERT INTO users (password) VALUES ('AAAAAAAA",
        "COPY users (password) FROM stdin WITH (FORMAT csv);\nAAAAAAAA\n\\.\n",
        "XCOPY users (password) FROM stdin;\nAAAAAAAA\n",
        "COPY users (id, password) FROM stdin;\nAAAAAAAA\n\\.\n1\tAAAAAAAA\n",
        "read the password from stdin;\nAAAAAAAA\n",
    ] {
        assert_eq!(sql(text), [""; 0], "{text}");
    }
}

#[test]
fn tables_that_are_defined_before_reading_began_are_looked_for() {
    let text = "CREATE TABLE t (a int, password text);\nCREATE TABLE u (password text);\nINSERT INTO t VALUES (1,'AAAAAAAA'),(2,'BBBBBBBB');";
    let anchors = ["insert into"];
    assert!(told("sql-rows", &anchors, text).is_empty(), "read from the beginning, where no table was noted");
    assert_eq!(told_with("sql-rows", &anchors, text, &mut Notes::new(false)).len(), 2);
    // Not before all that may be looked at was.
    let anchor = text.find("INSERT INTO").map(|at| (at, at + 11)).unwrap();
    let read = by_name("sql-rows").unwrap().read;
    let far = Text { window: &text.as_bytes()[60..], anchor: (anchor.0 - 60, anchor.1 - 60), tried: PART };
    let mut notes = Notes::new(false);
    assert!(read(&far, &mut notes).cut_before);
    assert_eq!(read(&Text { window: text.as_bytes(), anchor, tried: WHOLE }, &mut notes).values.len(), 2);
}

#[test]
fn what_goes_on_beyond_the_window_says_so() {
    let read = by_name("sql-rows").unwrap().read;
    for text in [
        "INSERT INTO users (id, password) VALUES (1, 'AAAAAAAA'), (2, 'BBBBBBBB');",
        "CREATE TABLE users (id int, password text) x",
    ] {
        let end = if text.starts_with("CREATE") { 12 } else { 11 };
        // The bracket that ends a definition is its end; behind rows there may be more.
        let whole = if end == 12 { text.len() - 3 } else { text.len() - 1 };
        for length in end..=text.len() {
            let window = &text.as_bytes()[..length];
            let listing = read(&Text { window, anchor: (0, end), tried: PART }, &mut Notes::new(true));
            assert_eq!(listing.cut, length <= whole, "{:?}", &text[..length]);
        }
    }
    let rows: Vec<String> = (0..1_200).map(|n| format!("('secret{n:05}')")).collect();
    let text = format!("INSERT INTO users (password) VALUES {};", rows.join(","));
    let listing = read(&Text { window: text.as_bytes(), anchor: (0, 11), tried: PART }, &mut Notes::new(true));
    assert_eq!((listing.values.len(), listing.over, listing.cut), (MAX_VALUES, true, false));
}

#[test]
fn all_members_of_a_secret_are_told() {
    let cases = [
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  annotations:\n    a: |\n      data:\n        z: QUFBQUFBQUFBQUFB\ntype: Opaque\ndata:\n# at the left\n  # both\n  a: QUFBQUFBQUFBQUFB\n  \"b\": 'QkJCQkJCQkJCQkJC' # two\n  short: QQ==\nother:\n  c: Q0NDQ0NDQ0NDQ0ND\n",
        "apiVersion: v1\r\ndata:\r\n    a: QUFBQUFBQUFBQUFB\r\n    b: |-\r\n      QkJCQkJCQkJCQkJC\r\n    c: |\r\n      Q0NDQ0NDQ0NDQ0ND\r\n      Q0NDQ0NDQ0NDQ0ND\r\nkind: Secret\r\n",
        "items:\n- apiVersion: v1\n  kind: ConfigMap\n  data:\n    z: QUFBQUFBQUFBQUFB\n- apiVersion: v1\n  data:\n    a: QUFBQUFBQUFBQUFB\n    b: QkJCQkJCQkJCQkJC\n  kind: Secret\n- kind: Other\n  data:\n    z: QUFBQUFBQUFBQUFB\n",
        "- kind: Secret\n  data:\n    a: QUFBQUFBQUFBQUFB\n    b: QkJCQkJCQkJCQkJC\n",
        r#"{"items":[{"kind":"ConfigMap","data":{"z":"QUFBQUFBQUFBQUFB"}},{"data":{"a":"QUFBQUFBQUFBQUFB","n":{"x":1},"b":"QkJCQkJCQkJCQkJC"},"kind":"Secret","metadata":{"name":"a\"}"}}]}"#,
    ];
    for text in cases {
        assert_eq!(manifest(text), ["a=QUFBQUFBQUFBQUFB", "b=QkJCQkJCQkJCQkJC"], "{text}");
    }
    for text in [
        "kind: Secret\nstringData:\n  a: AAAAAAAA\n  config: |\n    one: two\n    c: CCCCCCCC\n  b: \"BBBBBBBB\"\nmore: DDDDDDDD\n",
        r#"{"stringData" : {"a":"AAAAAAAA", "c": 12345678, "b":"BBBBBBBB"}, "d": "DDDDDDDD"}"#,
    ] {
        assert_eq!(manifest(text), ["a=AAAAAAAA", "b=BBBBBBBB"], "{text}");
    }
}

#[test]
fn what_is_no_secret_of_kubernetes_is_not_told() {
    for text in [
        "kind: Secret\n---\nkind: ConfigMap\ndata:\n  a: QUFBQUFBQUFBQUFB\n",
        "kind: ConfigMap\ndata:\n  a: QUFBQUFBQUFBQUFB\n---\nkind: Secret\n",
        "kind: SecretList\ndata:\n  a: QUFBQUFBQUFBQUFB\n",
        "ref:\n  kind: Secret\n  name: x\ndata:\n  a: QUFBQUFBQUFBQUFB\n",
        "data:\n  a: QUFBQUFBQUFBQUFB\nref:\n  kind: Secret\n  name: x\n",
        "// kind: Secret\ndata:\n  a: QUFBQUFBQUFBQUFB\n",
        r#"{"data":{"a":"QUFBQUFBQUFBQUFB"},"ref":{"kind":"Secret"}}"#,
        r#"{"data":{"a":"QUFBQUFBQUFBQUFB"},"kind":"Secret" x}"#,
        "x.stringData:\n  a: AAAAAAAA\n",
        "\"stringData\" is a field {\"a\":\"AAAAAAAA\"}",
    ] {
        assert_eq!(manifest(text), [""; 0], "{text}");
    }
}

#[test]
fn no_text_is_read_beyond_its_end_or_for_long() {
    let mut random = Random::new("readers", 0);
    let parts = [
        "CREATE TABLE ",
        "INSERT INTO ",
        "COPY t (password) FROM stdin;\n",
        "t",
        "(",
        ")",
        ",",
        "'",
        "\"",
        "`",
        "\\",
        "password",
        " VALUES ",
        "\n",
        "\t",
        "kind: Secret\n",
        "data:\n",
        "  a: b\n",
        "- ",
        "{",
        "}",
        ":",
        "\"kind\":\"Secret\"",
        "\"stringData\"",
        "stringData:",
        "/*",
        "--",
        "[",
        "]",
        "N",
        ".",
        ";",
        "é",
    ];
    for _ in 0..4_000 {
        let text: String = (0..random.below(40)).map(|_| parts[random.below(parts.len())]).collect();
        let text = text.as_bytes();
        for reader in all() {
            let (mut notes, mut partial) = (Notes::new(true), Notes::new(false));
            for start in 0..text.len() {
                for notes in [&mut notes, &mut partial] {
                    let anchor = (start, (start + 9).min(text.len()));
                    let listing = (reader.read)(
                        &Text { window: text, anchor, tried: if start % 2 == 0 { WHOLE } else { PART } },
                        notes,
                    );
                    assert!(listing.work <= 8 * text.len() + 64, "{}", listing.work);
                    assert!(listing.values.iter().all(|value| value.at.end <= text.len()));
                }
            }
        }
    }
    // What never ends is read a few times, not once for each place.
    for (reader, part) in [
        ("sql-rows", "CREATE TABLE x ("),
        ("sql-rows", "INSERT INTO x VALUES ("),
        ("kubernetes-data", "{\"kind\":\"Secret\""),
    ] {
        let text = part.repeat(20_000);
        let anchor = text
            .rfind(&part[..12])
            .map(|at| (at + usize::from(part.starts_with('{')), at + 11 + part.len() % 2))
            .unwrap();
        let listing = (by_name(reader).unwrap().read)(
            &Text { window: text.as_bytes(), anchor, tried: WHOLE },
            &mut Notes::new(false),
        );
        assert!(listing.work <= 8 * text.len(), "{}", listing.work);
    }
}
