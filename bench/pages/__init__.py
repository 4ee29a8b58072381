"""A benchmark of reading pages: generated photos of real letters, with truth. See docs/performance.md."""
