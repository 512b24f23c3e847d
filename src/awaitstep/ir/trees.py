"""Rooted trees that grow leaf by leaf and answer ancestor questions in logarithmic time.

Used for dominators: in an acyclic graph, the immediate dominator of a node is the nearest
common ancestor of its predecessors in the dominator tree (Cooper, Harvey, Kennedy). Jump
pointers after Myers, "An applicative random-access stack".
"""

from __future__ import annotations


class Tree:
    """Nodes are integers; a parent is added before its children."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}
        self.depth: dict[int, int] = {}
        self._jump: dict[int, int] = {}

    def add(self, node: int, parent: int | None) -> None:
        if parent is None:
            self.parent[node] = self._jump[node] = node
            self.depth[node] = 0
            return
        jump = self._jump[parent]
        far = self._jump[jump]
        even = self.depth[parent] - self.depth[jump] == self.depth[jump] - self.depth[far]
        self._jump[node] = far if even else parent
        self.parent[node] = parent
        self.depth[node] = self.depth[parent] + 1

    def _climb(self, node: int, depth: int) -> int:
        while self.depth[node] > depth:
            jump = self._jump[node]
            node = jump if self.depth[jump] >= depth else self.parent[node]
        return node

    def is_ancestor(self, ancestor: int, node: int) -> bool:
        """Whether `ancestor` is `node` or above it."""
        if self.depth[ancestor] > self.depth[node]:
            return False
        return self._climb(node, self.depth[ancestor]) == ancestor

    def nearest_common_ancestor(self, one: int, two: int) -> int:
        depth = min(self.depth[one], self.depth[two])
        one, two = self._climb(one, depth), self._climb(two, depth)
        while one != two:
            if self._jump[one] != self._jump[two]:
                one, two = self._jump[one], self._jump[two]
            else:
                one, two = self.parent[one], self.parent[two]
        return one
