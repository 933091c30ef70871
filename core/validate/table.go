package validate

import "github.com/pgqrs/pgqrs/core/fault"

// MaxPage limits how many rows one listing may return.
const MaxPage = 100_000

// Page reports whether a listing may return limit rows from offset on: limit 0
// (the default) to 100,000, offset from 0. The error is fault.InvalidArgument for
// "limit" or "offset".
func Page(limit, offset int64) error {
	if limit < 0 || limit > MaxPage {
		return fault.Argument("limit", "is %d; give 1 to %d, 0 for the default", limit, MaxPage)
	}
	if offset < 0 {
		return fault.Argument("offset", "is %d; give 0 or more", offset)
	}
	return nil
}

// MaxReadCt reports whether n can be a queue's receive limit: 0 (the default) to
// 1,000,000,000. The error is fault.InvalidArgument for "max_read_ct".
func MaxReadCt(n int) error {
	if n < 0 || n > 1_000_000_000 {
		return fault.Argument("max_read_ct", "is %d; give 1 to 1000000000, 0 for the default", n)
	}
	return nil
}
