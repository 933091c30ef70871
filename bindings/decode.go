package bindings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// decode reads a JSON document of the library into records. It differs from
// encoding/json in what the records hold: instants are microseconds, spans too,
// documents stay bytes, and null is the zero value of everything.
func decode(document []byte, into any) error {
	return decodeValue(document, reflect.ValueOf(into).Elem())
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	spanType     = reflect.TypeFor[time.Duration]()
	documentType = reflect.TypeFor[[]byte]()
)

func decodeValue(document []byte, v reflect.Value) error {
	if bytes.Equal(document, []byte("null")) {
		return nil
	}
	switch v.Type() {
	case timeType, spanType:
		var us int64
		if err := json.Unmarshal(document, &us); err != nil {
			return err
		}
		if v.Type() == spanType {
			v.SetInt(int64(time.Duration(us) * time.Microsecond))
		} else {
			v.Set(reflect.ValueOf(instant(us)))
		}
		return nil
	case documentType:
		v.SetBytes(bytes.Clone(document))
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeFields(document, v)
	case reflect.Slice:
		return decodeElements(document, v)
	}
	return json.Unmarshal(document, v.Addr().Interface())
}

// decodeFields fills in the fields a document names; what a newer library says
// besides is passed over.
func decodeFields(document []byte, v reflect.Value) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return err
	}
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		member, ok := members[name]
		if !ok {
			return fmt.Errorf("%s has no %q", v.Type(), name)
		}
		if err := decodeValue(member, v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func decodeElements(document []byte, v reflect.Value) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(document, &elements); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	for i, element := range elements {
		if err := decodeValue(element, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}
