//! Arrays of JavaScriptCore (Bun, Safari, WebKitGTK) and of SpiderMonkey (Firefox, gjs).

use super::{Structure, Trigger, View};
use crate::survey::Number;
use crate::survey::elements::{LENGTH, texts};

/// Small integers as numbers that are none of a double (`JSCJSValue.h`, `js/Value.h`): 32 bits below a tag. Before the elements lie the
/// lengths: the one in use and the one that there is room for (JavaScriptCore's `IndexingHeader`), or the other way round (SpiderMonkey's
/// `ObjectElements`). Arithmetic in JavaScript holds its digits so (BN.js 26 bits in each, jsbn 26 or 28).
pub(super) struct Array;

/// Upper halves of small integers: of JavaScriptCore, of SpiderMonkey.
const TAGS: [u64; 2] = [0xfffe_0000, 0xfff8_8000];

impl Structure for Array {
    fn name(&self) -> &'static str {
        "JavaScript array"
    }

    fn trigger(&self) -> Trigger {
        Trigger::Pair
    }

    fn read(&self, view: &View<'_>, at: usize, _: &mut Vec<Number>) {
        let (Some(lengths), Some(first)) = (view.word(at, 0), view.word(at, 8)) else { return };
        if !TAGS.contains(&(first >> 32)) || view.size() != 8 {
            return;
        }
        let (a, b) = (lengths as u32 as usize, (lengths >> 32) as usize);
        let length = if first >> 32 == TAGS[0] && a > b { 0 } else { a.min(b) };
        let digit = |index: usize| view.word(at, 8 + 8 * index as isize).filter(|word| word >> 32 == first >> 32);
        if !LENGTH.contains(&length) || !(0..length).all(|index| digit(index).is_some()) {
            return;
        }
        let digits = (0..length).filter_map(digit).map(|word| word as u32);
        view.texts.borrow_mut().extend(texts(view.offset(at) + 8, 8, 0, digits, &[26, 28]));
    }
}
