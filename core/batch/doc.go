// Package batch is group commit: many concurrent single calls, few multi-row
// statements, every caller answered only after the commit that carries its rows.
//
// A [Lane] collects calls of one kind. While no flush runs, a call starts one at
// once: an idle lane adds no delay. While a flush is on its way the next calls
// gather, and leave together with the following flush, which may be sent behind the
// first one when it is large enough. The busier the database, the larger the batches;
// there is no timer and nothing to tune.
//
// A call's rows form a unit that is stored whole or not at all. When one row of
// a flush is to blame (fault.IsRowFault), the flush is halved until the guilty
// unit stands alone, so everybody else's rows go through.
package batch
