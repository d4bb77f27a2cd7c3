//! Relay connections.

use async_graphql::{ContainerType, SimpleObject};
use plaza_clients::{Cursored, Page, PageQuery};
use plaza_types::ApiError;

use super::{
    inline::Inline,
    types::{Ban, Invitation, Member, Message, Room},
};

/// Largest page.
pub(super) const MAX_PAGE: u32 = 100;
/// Longest cursor that is passed on, in bytes.
const MAX_CURSOR_BYTES: usize = 256;

/// Where a page stands in its list.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether more follow.
    has_next_page: bool,
    /// Whether there are some before.
    has_previous_page: bool,
    /// The first item's cursor.
    start_cursor: Option<String>,
    /// The last item's cursor: pass it as `after` for the next page.
    end_cursor: Option<String>,
}

/// A page.
#[derive(SimpleObject)]
#[graphql(concrete(name = "RoomConnection", params(Room)))]
#[graphql(concrete(name = "MemberConnection", params(Member)))]
#[graphql(concrete(name = "BanConnection", params(Ban)))]
#[graphql(concrete(name = "InvitationConnection", params(Invitation)))]
pub(crate) struct Connection<N>
where
    N: ContainerType,
    Edge<N>: ContainerType,
{
    /// The items with their cursors, in the list's order.
    pub(crate) edges: Vec<Inline<Edge<N>>>,
    /// The items, in the list's order.
    pub(crate) nodes: Vec<Inline<N>>,
    /// Where the page stands in its list.
    pub(crate) page_info: PageInfo,
}

/// An item and its place.
#[derive(SimpleObject)]
#[graphql(concrete(name = "RoomEdge", params(Room)))]
#[graphql(concrete(name = "MemberEdge", params(Member)))]
#[graphql(concrete(name = "BanEdge", params(Ban)))]
#[graphql(concrete(name = "InvitationEdge", params(Invitation)))]
#[graphql(concrete(name = "MessageEdge", params(Message)))]
pub(crate) struct Edge<N: ContainerType> {
    /// The item.
    pub(crate) node: Inline<N>,
    /// Its place: pass it as `after` (or `before`) to continue from here.
    pub(crate) cursor: String,
}

impl PageInfo {
    /// Of a service's page.
    pub(super) fn of<T>(page: &Page<T>) -> Self {
        let cursor = |item: Option<&Cursored<T>>| item.map(|item| item.cursor.clone());
        Self {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: cursor(page.items.first()),
            end_cursor: cursor(page.items.last()),
        }
    }
}

impl<N> Connection<N>
where
    N: ContainerType + Clone,
    Edge<N>: ContainerType,
{
    /// Of a service's page.
    pub(super) fn new<T>(page: Page<T>, node: impl Fn(T) -> N) -> Self {
        let page_info = PageInfo::of(&page);
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        for Cursored { item, cursor } in page.items {
            let node = Inline(node(item));
            nodes.push(node.clone());
            edges.push(Inline(Edge { node, cursor }));
        }
        Self {
            edges,
            nodes,
            page_info,
        }
    }
}

/// A page's size as asked, from 1 to 100.
pub(super) fn size(field: &str, asked: Option<i32>) -> Result<Option<u32>, ApiError> {
    asked
        .map(|size| match u32::try_from(size) {
            Ok(size @ 1..=MAX_PAGE) => Ok(size),
            _ => Err(ApiError::bad_input(
                field,
                format!("{field} can be from 1 to {MAX_PAGE}."),
            )),
        })
        .transpose()
}

/// The question for a page of a list that goes one way, of `default` items
/// when no size is asked for.
pub(super) fn page_query(
    first: Option<i32>,
    after: Option<String>,
    default: u32,
) -> Result<PageQuery, ApiError> {
    Ok(PageQuery {
        first: size("first", first)?.or(Some(default)),
        after: cursor("after", after)?,
    })
}

/// A cursor to pass on; what it holds is for its list to judge.
pub(super) fn cursor(field: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    match text {
        Some(text) if text.len() > MAX_CURSOR_BYTES => {
            Err(ApiError::bad_input(field, "This is not a cursor."))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_from_1_to_100_items() {
        assert_eq!(size("first", None), Ok(None));
        assert_eq!(size("first", Some(1)), Ok(Some(1)));
        assert_eq!(size("first", Some(100)), Ok(Some(100)));
        for bad in [0, -1, 101, i32::MAX, i32::MIN] {
            assert_eq!(
                size("first", Some(bad)).unwrap_err().field.as_deref(),
                Some("first")
            );
        }
    }
}
