package conformance

import (
	"context"
	"fmt"
	"reflect"
)

// call is calls for a method of which at most the first result is wanted; out is a
// pointer or nil.
func call(ctx context.Context, target any, method string, out any, args ...any) error {
	if out == nil {
		return calls(ctx, target, method, nil, args...)
	}
	return calls(ctx, target, method, []any{out}, args...)
}

// calls calls a method by its name: ctx first, then args, each converted to the
// parameter's type. The last result is an error; outs, pointers, receive the first
// ones.
func calls(ctx context.Context, target any, method string, outs []any, args ...any) error {
	m := reflect.ValueOf(target).MethodByName(method)
	if !m.IsValid() {
		return fmt.Errorf("%T has no method %s", target, method)
	}
	if m.Type().NumIn() != len(args)+1 {
		return fmt.Errorf("%T.%s takes %d arguments, not %d", target, method, m.Type().NumIn(), len(args)+1)
	}
	in := []reflect.Value{reflect.ValueOf(ctx)}
	for i, arg := range args {
		value := reflect.New(m.Type().In(i + 1)).Elem()
		if err := convert(value, reflect.ValueOf(arg)); err != nil {
			return fmt.Errorf("%T.%s, argument %d: %w", target, method, i+1, err)
		}
		in = append(in, value)
	}
	results := m.Call(in)
	if err, failed := results[len(results)-1].Interface().(error); failed {
		return err
	}
	for i, out := range outs {
		if err := convert(reflect.ValueOf(out).Elem(), results[i]); err != nil {
			return fmt.Errorf("%T.%s, result: %w", target, method, err)
		}
	}
	return nil
}

// convert copies a value into one of another type: records by the names of their
// fields, lists element by element.
func convert(to, from reflect.Value) error {
	if from.IsValid() && from.Type().AssignableTo(to.Type()) {
		to.Set(from)
		return nil
	}
	for from.Kind() == reflect.Pointer || from.Kind() == reflect.Interface {
		from = from.Elem()
	}
	switch {
	case from.Kind() == reflect.Struct && to.Kind() == reflect.Struct:
		for i := range to.NumField() {
			name := to.Type().Field(i).Name
			field := from.FieldByName(name)
			if !field.IsValid() {
				continue // one side may have more than the other
			}
			if err := convert(to.Field(i), field); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	case from.Kind() == reflect.Slice && to.Kind() == reflect.Slice && to.Type().Elem().Kind() != reflect.Uint8:
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			if err := convert(to.Index(i), from.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case from.IsValid() && from.CanConvert(to.Type()):
		to.Set(from.Convert(to.Type()))
		return nil
	}
	return fmt.Errorf("cannot make a %s of a %s", to.Type(), from.Type())
}

// get is call for a method that answers something.
func get[T any](ctx context.Context, target any, method string, args ...any) (T, error) {
	var out T
	err := call(ctx, target, method, &out, args...)
	return out, err
}
