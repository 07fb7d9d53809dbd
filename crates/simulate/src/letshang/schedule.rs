//! Who is free when: the twelve daily lists of hours of the original project.

/// The hours of each list as bits, hour 0 lowest.
const LISTS: [u32; 12] = [
    hours(&[8, 9, 10, 17, 18, 19, 20, 21]),
    hours(&[8, 9, 10, 11, 16, 17, 18, 19, 20]),
    hours(&[8, 9, 15, 16, 17, 18]),
    hours(&[14, 15, 16, 17, 18, 19, 20, 21, 22]),
    hours(&[10, 11, 12, 22, 23, 0]),
    hours(&[12, 13, 14, 15, 16]),
    hours(&[19, 20, 21, 22, 23, 0]),
    hours(&[0, 1, 2]),
    hours(&[8, 11, 13, 15, 17, 19, 21, 22, 23]),
    hours(&[8, 2]),
    hours(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]),
    hours(&[13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
];

const fn hours(list: &[u32]) -> u32 {
    let mut bits = 0;
    let mut at = 0;
    while at < list.len() {
        bits |= 1 << list[at];
        at += 1;
    }
    bits
}

/// How many lists there are.
pub(super) const LIST_COUNT: u64 = LISTS.len() as u64;

/// Whether people of a list are free in a local hour.
#[inline]
pub(super) fn is_free(list: u64, hour: u32) -> bool {
    LISTS.get(list as usize).is_some_and(|hours| hours >> hour & 1 == 1)
}
