//! Who the walkers are: invented names, and who is whose friend. The same people walk in every history, whatever its seed.

use crate::SplitMix64;

const FIRST_NAMES: [&str; 40] = [
    "Ada", "Amir", "Ana", "Ben", "Bo", "Carla", "Chidi", "Clara", "Dina", "Elif", "Emil", "Eva", "Femi", "Gil", "Hana",
    "Ines", "Ivo", "Jun", "Kai", "Lea", "Lior", "Luz", "Mara", "Milo", "Mina", "Nia", "Noor", "Olga", "Omar", "Pia",
    "Quinn", "Rosa", "Sami", "Sol", "Tara", "Theo", "Uma", "Vera", "Yuki", "Zoe",
];

/// Friends that a walker finds; as many find the walker, so that a person has about twice as many.
const FOUND: u64 = 4;

/// Of four friendships how many are with a neighbour in number rather than with anybody: people's friends know each other.
const OF_FOUR_NEAR: u64 = 3;

/// Separates these draws from those of walking.
const STREAM: u64 = 0xf1e2_d3c4_b5a6_0000;

/// The name of a walker: a first name and an initial.
pub(super) fn name(user: u64) -> String {
    let mut random = SplitMix64::of(STREAM, user);
    let first = FIRST_NAMES.get(random.below(FIRST_NAMES.len() as u64) as usize).copied().unwrap_or("Kim");
    format!("{first} {}.", char::from(b'A' + random.below(26) as u8))
}

/// Pairs of friends, each in both orders, sorted, each once.
pub(super) fn friendships(users: u64) -> Vec<(u64, u64)> {
    let mut pairs = Vec::new();
    for user in 0..users {
        let mut random = SplitMix64::of(!STREAM, user);
        for found in 1..=FOUND {
            let friend = if random.below(4) < OF_FOUR_NEAR { (user + found) % users } else { random.below(users) };
            if friend != user {
                pairs.extend([(user, friend), (friend, user)]);
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
