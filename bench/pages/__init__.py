"""A benchmark of reading pages: generated photographs of real letters, with truth. See docs/read.md."""
