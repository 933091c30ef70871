package validate

// The limits of PostgreSQL's numeric, into which jsonb puts every number,
// measured on PostgreSQL 15 (testdata/numbers.tsv). They hold for the number as
// written out, with the zeros that its exponent stands for.
const (
	maxWhole    = 131072    // digits before the decimal point
	maxScale    = 16383     // digits after it, trailing zeros included
	maxExponent = 1<<30 - 2 // PostgreSQL demands less than INT_MAX/2, even of a zero
)

const whyNumber = "a number outside the range of PostgreSQL's numeric (131072 digits before, 16383 after the decimal point); send it as a string"

// number scans a number and checks that numeric can hold it.
func (s *scanner) number() error {
	start, p, i := s.i, s.p, s.i
	if p[i] == '-' {
		i++
	}
	// top is the power of ten of the first digit that is not zero, if there is one.
	whole, top, zero := i, 0, false
	i += digits(p, i)
	switch {
	case i == whole:
		return refused(i, "a minus sign without a number")
	case p[whole] == '0' && i-whole > 1:
		return refused(whole, "a number with a leading zero; remove the zero or send a string")
	case p[whole] == '0':
		zero = true
	}
	top = i - whole - 1

	scale := 0
	if i < len(p) && p[i] == '.' {
		i++
		scale = digits(p, i)
		if scale == 0 {
			return refused(i, "a decimal point without digits behind it")
		}
		if zero {
			for k, c := range p[i : i+scale] {
				if c != '0' {
					top, zero = -k-1, false
					break
				}
			}
		}
		i += scale
	}

	exponent := 0
	if i < len(p) && p[i]|0x20 == 'e' {
		i++
		negative := false
		if i < len(p) && (p[i] == '+' || p[i] == '-') {
			negative = p[i] == '-'
			i++
		}
		n := digits(p, i)
		if n == 0 {
			return refused(i, "an exponent without digits")
		}
		for _, c := range p[i : i+n] {
			exponent = exponent*10 + int(c-'0')
			if exponent > maxExponent {
				return refused(start, whyNumber)
			}
		}
		i += n
		if negative {
			exponent = -exponent
		}
	}

	scale = max(0, scale-exponent)
	if zero {
		top = 0 // numeric forgets the weight of a zero, but not its scale
	} else {
		top += exponent
	}
	if top >= maxWhole || scale > maxScale {
		return refused(start, whyNumber)
	}
	s.i = i
	if exponent == 0 {
		return nil
	}
	// sign, whole digits, point and scale, less what the document spent on it
	written := max(0, top) + 1 + scale + 2
	if s.room -= max(0, written-(i-start)); s.room < 0 {
		return broken("payload: byte %d: with the exponents of its numbers written out, as PostgreSQL returns them, the payload is over %d times max_payload_size_bytes; send such numbers as strings", start, expansionFactor)
	}
	return nil
}

// digits counts the decimal digits of p from i on.
func digits(p []byte, i int) int {
	start := i
	for i < len(p) && '0' <= p[i] && p[i] <= '9' {
		i++
	}
	return i - start
}
