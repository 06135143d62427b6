//! Shell text cut into words.

use super::*;

/// Commands as their words, pieces in brackets where a word has several.
fn cut(text: &str) -> Vec<Vec<String>> {
    let show = |word: &Word| -> String {
        word.iter()
            .map(|piece| match piece {
                Piece::Text { text, .. } => text.clone(),
                Piece::Variable { name, .. } => format!("<{name}>"),
                Piece::Arithmetic { text, .. } => format!("<={text}>"),
                Piece::Unknown { .. } => "<?>".into(),
            })
            .collect()
    };
    let token = |token: &Token| match token {
        Token::Word(word) => show(word),
        Token::Array { name, items, .. } => {
            format!("{name}({})", items.iter().map(show).collect::<Vec<_>>().join(" "))
        }
    };
    commands(text).unwrap().iter().map(|command| command.tokens.iter().map(token).collect()).collect()
}

#[test]
fn lines_comments_quotes_and_arrays() {
    assert_eq!(cut("a --b 1 \\\n  --c '2 3' # no\nd"), [vec!["a", "--b", "1", "--c", "2 3"], vec!["d"]]);
    assert_eq!(cut("A=(\n --x $TP # why\n \"--y ${Z:-8}\"\n)"), [vec!["A(--x <TP> --y <Z>)"]]);
    assert_eq!(cut("W=$(($G*$N)); X=$(date)"), [vec!["W=<=$G*$N>"], vec!["X=<?>"]]);
    assert_eq!(cut("a && b || c"), [vec!["a"], vec!["b"], vec!["c"]]);
    assert_eq!(cut("cat <<EOF > x\n--num-layers 1\nEOF\nrun \"${A[@]}\""), [vec!["cat", "x"], vec!["run", "<A>"]]);
    assert_eq!(cut("x ${A:?say it} ${B//a/b} $1 'a'\"b\""), [vec!["x", "<A>", "<?>", "<?>", "ab"]]);
    assert_eq!(cut("a \\\r\n b"), [vec!["a", "b"]]);
}

#[test]
fn what_is_not_closed_is_pointed_at() {
    let at = |text: &str| commands(text).unwrap_err();
    assert_eq!(at("a 'b"), Unclosed { what: "quote", at: 2 });
    assert_eq!(at("A=(1 2"), Unclosed { what: "bracket", at: 0 });
    assert_eq!(at("a \"$(b\""), Unclosed { what: "bracket", at: 3 });
    assert_eq!(at("a $((1"), Unclosed { what: "bracket", at: 2 });
}

#[test]
fn deep_nesting_does_no_harm() {
    for text in ["${a:-".repeat(100_000), "$(".repeat(100_000), "(".repeat(100_000), "${".repeat(100_000)] {
        // Either way it ends.
        let _ = commands(&text);
    }
}
