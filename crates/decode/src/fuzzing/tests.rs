//! The fuzz bodies on seeded mutations of good and bad inputs: what a fuzzer does, bounded and repeatable.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{decoders, fuzz_decode, fuzz_gunzip, fuzz_time, schemas};

const SEEDS: [&str; 14] = [
    "{\"id\":1,\"text\":\"a\\u00e9\\n\",\"float\":1.5e3,\"flag\":true}\n{\"id\":2,\"single\":0.1,\"small\":255}\n",
    "[{\"id\":1,\"money\":1.250,\"day\":\"2016-02-29\"},{\"id\":\"7\",\"bytes\":\"aGk=\"},null]",
    "{\"id\":3,\"at\":\"2016-02-02T18:41:39.5-08:00\",\"local\":\"2016-11-06 00:59:59\",\"epoch\":1454438499123.5}",
    "{\"meta\":{\"id\":1},\"list\":[{\"x\":1},{\"x\":2,\"text\":\"b\"}],\"map\":{\"k\":[{\"x\":3}],\"k\":[null]}}",
    "{\"meta\":\"{\\\"id\\\":5}\",\"point\":{\"x\":1},\"list\":null,\"map\":{}}{\"meta\":{\"id\":6}}",
    "\"{\\\"id\\\":8}\"\n{\n  \"id\": 9,\n  \"text\": {\"raw\": [1, 2]}\n}\n",
    "{\n\"id\":1\n}\n{\n\"id\":2\n}",
    "1;x;hello;2.5;2016-02-02 18:41:39;True\r\n2;;;;;\n{\"id\":3}\n;;;;;;;\n",
    "1,x,\"a,\"\"b\"\"\",2.5,2016-02-02 18:41:39,f\n2,,\"two\nlines\"\n3,,\"open\n",
    "1\tx\t text \t-1e-3\t2016-07-02 18:41:39\t0\n",
    "id,text,float,flag,meta.id\n1,\"a \"\"q\"\"\",2.5,true,4\n2,,,,5\n,,,\n",
    "id;text\r\n1;é\r\n2;\"\"\r\n",
    "text\tid\nx\t1\n",
    "[[],[{\"id\":1}],{\"id\":{}},{\"id\":1]",
];

const SPLICES: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\n",
    "\r\n",
    "\\",
    ";",
    "\t",
    "null",
    "true",
    "-",
    "1e999",
    "\\ud800",
    "\u{feff}",
    "{\"id\":1}",
    "\"id\":",
    "[[[[[[[[",
    "é",
    "\0",
    "NaN",
    "0.1",
    "18446744073709551616",
    "\"{\\\"id\\\":1}\"",
    "{\"meta\":{\"id\":2}}",
    " ",
    "\"\"",
];

fn mutate(random: &mut ChaCha8Rng, input: &mut Vec<u8>) {
    for _ in 0..random.random_range(0..6) {
        let at = random.random_range(0..=input.len());
        match random.random_range(0..6) {
            0 if at < input.len() => input[at] = random.random(),
            1 if at < input.len() => drop(input.remove(at)),
            2 => input.truncate(at),
            3 => {
                let end = random.random_range(at..=input.len().min(at + 20));
                let copy = input[at..end].to_vec();
                let to = random.random_range(0..=input.len());
                input.splice(to..to, copy);
            }
            4 => {
                let end = random.random_range(at..=input.len().min(at + 20));
                input.drain(at..end);
            }
            _ => {
                let splice = SPLICES.choose(random).unwrap();
                input.splice(at..at, splice.bytes());
            }
        }
    }
}

#[test]
fn every_schema_of_the_fuzzer_compiles() {
    assert_eq!(decoders().len(), schemas().len());
}

#[test]
fn mutations_of_bodies() {
    let mut random = ChaCha8Rng::seed_from_u64(0x5eed);
    let rounds: usize = std::env::var("HIGHWATER_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40_000);
    for _ in 0..rounds {
        let mut input = vec![random.random()];
        input.extend_from_slice(SEEDS.choose(&mut random).unwrap().as_bytes());
        if random.random_bool(0.3) {
            input.extend_from_slice(SEEDS.choose(&mut random).unwrap().as_bytes());
        }
        let choice = input[0];
        mutate(&mut random, &mut input);
        if input.is_empty() {
            input.push(choice);
        }
        let shown = input.clone();
        let outcome = std::panic::catch_unwind(move || fuzz_decode(&input));
        assert!(outcome.is_ok(), "choice {} body {:?}", shown[0], String::from_utf8_lossy(&shown[1..]));
    }
}

#[test]
fn mutations_of_times_and_gzip() {
    let mut random = ChaCha8Rng::seed_from_u64(0x71e5);
    let times = [
        "2016-02-02 18:41:39",
        "20160202 184139",
        "4/12/2016 1:00:00 AM",
        "2016-02-02T18:41:39.25",
        "2016-02-29",
        "2016-02-02 18:41:39.123456789",
    ];
    for _ in 0..40_000 {
        let mut text = times.choose(&mut random).unwrap().as_bytes().to_vec();
        for _ in 0..random.random_range(0..3) {
            let at = random.random_range(0..=text.len());
            match random.random_range(0..3) {
                0 if at < text.len() => text[at] = *b"0123456789 :-./TAPM+".choose(&mut random).unwrap(),
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert(at, *b"0123456789 :-./".choose(&mut random).unwrap()),
            }
        }
        fuzz_time(&text);
    }
    let gzip = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0];
    assert_eq!(crate::gunzip(&gzip, 5).unwrap().as_ref(), b"hello");
    for _ in 0..5_000 {
        let mut input = gzip.to_vec();
        mutate(&mut random, &mut input);
        fuzz_gunzip(&input);
    }
}
