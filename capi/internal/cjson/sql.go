package cjson

import "github.com/pgqrs/pgqrs/core/model"

type parameter struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

type sql struct {
	Text       string      `json:"sql"`
	Parameters []parameter `json:"parameters"`
	Returns    string      `json:"returns"`
}

// SQL is a statement for other connections as an object.
func SQL(s model.SQL) string {
	return encode(sql{s.Text, each(s.Parameters, func(p model.SQLParameter) parameter { return parameter(p) }), s.Returns})
}
