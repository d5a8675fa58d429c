//! Where the rest of numbers lies that are damaged.

use super::super::natural::Natural;
use super::super::source::Source;
use crate::copies::Pattern;
use crate::found::Place;
use crate::order::Order;
use zeroize::Zeroizing;

/// What is left of a prime that was rebuilt.
pub(in super::super) struct Remains {
    /// The modulus.
    pub(in super::super) n: Natural,
    pub(in super::super) p: Natural,
    /// Where the prime begins, be that there or lost.
    pub(super) from: u64,
    pub(super) order: Order,
}

/// Bytes that an allocator writes over when memory is freed: links to the next chunk and to the one before, or to the next one and
/// a key of the thread's cache (glibc's `malloc.c`).
const LINKS: usize = 16;

/// What is left of limbs that were freed, of each secret number of the key with that index.
pub(in super::super) fn forms(secrets: &[(String, Natural)], index: usize) -> Vec<Pattern> {
    let rest = |(name, number): &(String, Natural)| {
        let limbs = Order::Little.encode(&number.to_be());
        let bytes = Zeroizing::new(limbs.get(LINKS..)?.to_vec());
        Some(Pattern { bytes, what: format!("{index} {}", phrase(name, Order::Little, "lowest", LINKS)) })
    };
    secrets.iter().filter_map(rest).collect()
}

fn phrase(name: &str, order: Order, end: &str, lost: usize) -> String {
    format!("{name} as {} without the {end} {lost} bytes", order.name())
}

/// Where the rest of a prime lies: what of it is there.
pub(in super::super) fn place(source: &mut Source<'_>, remains: &Remains, name: &str) -> Place {
    let whole = remains.order.encode(&remains.p.to_be());
    let there = source.available(remains.from, whole.len());
    let same = |at: &usize| there.get(*at) == whole.get(*at);
    // Bytes that are lost agree by chance here and there: what is there begins or ends the number.
    let front = (0..whole.len()).take_while(same).count();
    let back = (0..whole.len()).rev().take_while(same).count();
    let (from, len) = if front > back { (0, front) } else { (whole.len() - back, back) };
    let end = if (front > back) == (remains.order == Order::Big) { "lowest" } else { "highest" };
    let what = phrase(name, remains.order, end, whole.len() - len);
    Place { offset: remains.from + from as u64, len: len as u64, what }
}

/// Adds places of remains, and drops what is part of a place that has more.
pub(in super::super) fn merge(places: &mut Vec<Place>, remains: Vec<Place>) {
    places.extend(remains);
    places.sort_by_key(|place| (place.offset, std::cmp::Reverse(place.len)));
    let mut until = 0;
    places.retain(|place| {
        let end = place.offset + place.len;
        let inside = end <= until && place.what.contains(" without the ");
        until = until.max(end);
        !inside
    });
}
