package bindings

// What a call answered is copied before its result is closed.

func readIDs(l *library, c cCompletion) ([]int64, error) {
	if c.flags&cCqeValue != 0 {
		return []int64{int64(c.result)}, nil
	}
	return readList(l.resultIds, c, func(id *int64) int64 { return *id })
}

func readOutcomes(l *library, c cCompletion) ([]bool, error) {
	if c.flags&cCqeValue != 0 {
		return []bool{Status(int32(c.result)) == OK}, nil
	}
	return readList(l.resultOutcomes, c, func(status *int32) bool { return Status(*status) == OK })
}

func readTokens(l *library, c cCompletion) ([]Token, error) {
	return readList(l.resultTokens, c, func(t *cToken) Token { return Token{ID: t.id, ReadCt: t.readCt} })
}

func readMessages(l *library, c cCompletion) ([]Message, error) {
	return readList(l.resultMessages, c, func(m *cMessage) Message {
		return Message{
			ID: m.id, QueueID: m.queueID, Payload: m.payload.bytes(), EnqueuedAt: instant(m.enqueuedAt), VT: instant(m.vt),
			ReadCt: m.readCt, DequeuedAt: instant(m.dequeuedAt), ProducerWorkerID: m.producerWorkerID,
			ConsumerWorkerID: m.consumerWorkerID, ArchivedAt: instant(m.archivedAt), DeadReason: m.deadReason.text(),
		}
	})
}

func readMessage(l *library, c cCompletion) (Message, error) {
	messages, err := readMessages(l, c)
	if err == nil && len(messages) != 1 {
		err = &Error{Status: Internal, Text: "the library answered with another number of messages than one"}
	}
	if err != nil {
		return Message{}, err
	}
	return messages[0], nil
}

func readList[C, T any](view func(cHandle, *cList) int32, c cCompletion, convert func(*C) T) ([]T, error) {
	var list cList
	if status := view(c.result, &list); status != int32(OK) {
		return nil, &Error{Status: Status(status)}
	}
	return items(list, convert), nil
}

// readRecord reads a JSON object as a record, or an array as a list of records.
func readRecord[T any](l *library, c cCompletion) (T, error) {
	var record T
	var document cStr
	if status := l.resultJSON(c.result, &document); status != int32(OK) {
		return record, &Error{Status: Status(status)}
	}
	if err := decode(document.bytes(), &record); err != nil {
		return record, &Error{Status: Internal, Text: "reading the library's answer: " + err.Error()}
	}
	return record, nil
}

func readCount(l *library, c cCompletion) (int64, error) {
	answer, err := readRecord[struct {
		Count int64 `json:"count"`
	}](l, c)
	return answer.Count, err
}

func readStatus(l *library, c cCompletion) (WorkerStatus, error) {
	answer, err := readRecord[struct {
		Status WorkerStatus `json:"status"`
	}](l, c)
	return answer.Status, err
}

func readSettings(l *library, c cCompletion) ([]Setting, error) {
	pairs, err := readRecord[[][]string](l, c)
	settings := make([]Setting, 0, len(pairs))
	for _, pair := range pairs {
		settings = append(settings, Setting{Name: pair[0], Value: pair[1]})
	}
	return settings, err
}
