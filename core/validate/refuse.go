package validate

import (
	"fmt"

	"github.com/pgqrs/pgqrs/core/fault"
)

// refused is the error of a payload that is not a document jsonb takes. The why
// never holds bytes of the payload: payloads may be secret, errors get logged.
func refused(offset int, why string) error {
	return rowFault(fault.Serialization, fmt.Sprintf("payload: byte %d: %s", offset, why))
}

// broken is the error of a payload that breaks a limit or a key rule.
func broken(format string, args ...any) error {
	return rowFault(fault.Validation, fmt.Sprintf(format, args...))
}

func rowFault(kind fault.Kind, text string) error {
	return &fault.Error{Kind: kind, Field: "payload", Text: text, Safe: true, RowFault: true}
}
