//! Which nodes of a graph may be in a circle: of thousands of jobs mostly none, and only those are worth a search.

/// Whether each node can be reached from a circle and reaches one. `next` are the ways from each.
pub(super) fn near_circles(next: &[Vec<usize>]) -> Vec<bool> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); next.len()];
    for (from, ways) in next.iter().enumerate() {
        for to in ways {
            before[*to].push(from);
        }
    }
    let mut near = vec![true; next.len()];
    drop_ends(next, &before, &mut near);
    drop_ends(&before, next, &mut near);
    near
}

/// Drops the nodes from which every way leads to an end.
fn drop_ends(next: &[Vec<usize>], before: &[Vec<usize>], near: &mut [bool]) {
    let mut ways: Vec<usize> = next.iter().map(|ways| ways.iter().filter(|to| near[**to]).count()).collect();
    let mut open: Vec<usize> = (0..next.len()).filter(|at| ways[*at] == 0 && near[*at]).collect();
    while let Some(end) = open.pop() {
        near[end] = false;
        for from in before[end].iter().copied().filter(|from| near[*from]) {
            ways[from] -= 1;
            if ways[from] == 0 {
                open.push(from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::near_circles;

    #[test]
    fn only_what_lies_on_or_between_circles_is_near_them() {
        // 0 → 1 ⇄ 2 → 3 → 4 ⇄ 4, 3 → 5, 6.
        let next = [vec![1], vec![2], vec![1, 3], vec![4, 5], vec![4], vec![], vec![]];
        assert_eq!(near_circles(&next), [false, true, true, true, true, false, false]);
        assert_eq!(near_circles(&[vec![1, 1], vec![]]), [false, false]);
    }
}
