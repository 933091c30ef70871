import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import com.sun.jna.ptr.LongByReference;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.function.ToIntBiFunction;
import java.util.function.ToIntFunction;

/**
 * Stores a message, takes it, and finishes it, with the blocking forms of pgqrs.h through JNA:
 *
 * <pre>make lib && PGQRS_LIBRARY=$PWD/build/libpgqrs.so.1 java -cp jna.jar examples/java/Quickstart.java sqlite:///jobs.db</pre>
 */
public class Quickstart {
    /** What pgqrs.h declares, as far as it is used here. */
    public interface Pgqrs extends Library {
        Pgqrs LIBRARY = Native.load(System.getenv().getOrDefault("PGQRS_LIBRARY", "pgqrs"), Pgqrs.class);
        int QUEUE_EXISTS = -402;

        int pgqrs_abi_version();
        int pgqrs_runtime_wait();
        int pgqrs_shutdown_wait(long timeoutMs);
        int pgqrs_close(long handle);
        int pgqrs_error_info(long error, Detail detail);
        int pgqrs_store_open_wait(Str dsn, long timeoutMs, LongByReference store, LongByReference error);
        int pgqrs_queue_create_wait(long store, Str queue, long timeoutMs, LongByReference error);
        int pgqrs_producer_open_wait(long store, Str queue, long timeoutMs, LongByReference out, LongByReference error);
        int pgqrs_consumer_open_wait(long store, Str queue, long timeoutMs, LongByReference out, LongByReference error);
        int pgqrs_enqueue_wait(long producer, Str payload, long delayMs, long timeoutMs, LongByReference id, LongByReference error);
        int pgqrs_dequeue_wait(long consumer, int batch, long leaseMs, long waitMs, long timeoutMs, LongByReference result, LongByReference error);
        int pgqrs_result_messages(long result, Messages list);
        int pgqrs_archive_wait(long consumer, long id, int readCt, long timeoutMs, LongByReference error);
    }

    /** pgqrs_str: borrowed bytes. What is passed lives as long as its object. */
    @FieldOrder({"data", "len"})
    public static class Str extends Structure {
        public Pointer data;
        public long len;

        static Str of(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            Str s = new Str();
            s.data = new Memory(bytes.length + 1);
            s.data.write(0, bytes, 0, bytes.length);
            s.len = bytes.length;
            return s;
        }

        String text() { return len == 0 ? "" : new String(data.getByteArray(0, (int) len), StandardCharsets.UTF_8); }
    }

    /** pgqrs_list, here of messages. */
    @FieldOrder({"items", "itemSize", "count"})
    public static class Messages extends Structure {
        public Pointer items;
        public int itemSize, count;

        Message get(int i) { return new Message(items.share((long) i * itemSize)); }
    }

    /** pgqrs_message. */
    @FieldOrder({"id", "queueId", "times", "workers", "payload", "deadReason", "readCt", "present"})
    public static class Message extends Structure {
        public long id, queueId;
        public long[] times = new long[4], workers = new long[2];
        public Str payload, deadReason;
        public int readCt, present;

        public Message(Pointer at) { super(at); read(); }
    }

    /** pgqrs_error_detail. */
    @FieldOrder({"structSize", "code", "message", "operation", "field", "sqlstate", "retryAfterMs", "flags", "reserved"})
    public static class Detail extends Structure {
        public int structSize, code;
        public Str message, operation, field;
        public byte[] sqlstate = new byte[8];
        public long retryAfterMs;
        public int flags, reserved;
    }

    /** A failed call: a status of pgqrs.h, and what is wrong and what mends it. */
    static class PgqrsException extends RuntimeException {
        final int code;

        PgqrsException(int code, String text) { super(text); this.code = code; }
    }

    /** Makes a call whose last parameter is an error handle. */
    static void call(ToIntFunction<LongByReference> call) {
        LongByReference error = new LongByReference();
        int code = call.applyAsInt(error);
        if (code >= 0) return;
        try (Handle owned = new Handle(error.getValue())) {
            Detail detail = new Detail();
            detail.structSize = detail.size();
            Pgqrs.LIBRARY.pgqrs_error_info(owned.value, detail);
            throw new PgqrsException(code, detail.message.text());
        }
    }

    /** Owns an object of the library. */
    record Handle(long value) implements AutoCloseable {
        static Handle open(ToIntBiFunction<LongByReference, LongByReference> call) {
            LongByReference handle = new LongByReference();
            call(error -> call.applyAsInt(handle, error));
            return new Handle(handle.getValue());
        }

        @Override public void close() { Pgqrs.LIBRARY.pgqrs_close(value); }
    }

    /** Waits up to five seconds for messages and works on them. */
    static void consume(Pgqrs lib, Handle store, Str queue) {
        try (Handle consumer = Handle.open((out, error) -> lib.pgqrs_consumer_open_wait(store.value, queue, -1, out, error));
             Handle batch = Handle.open((out, error) -> lib.pgqrs_dequeue_wait(consumer.value, 10, 30_000, 5_000, -1, out, error))) {
            Messages list = new Messages();
            lib.pgqrs_result_messages(batch.value, list);
            for (int i = 0; i < list.count; i++) {
                Message message = list.get(i);
                System.out.println("working on " + message.payload.text());
                call(error -> lib.pgqrs_archive_wait(consumer.value, message.id, message.readCt, -1, error));
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Pgqrs lib = Pgqrs.LIBRARY;
        if (lib.pgqrs_abi_version() != 1) throw new LinkageError("the library has another ABI");
        lib.pgqrs_runtime_wait();
        Str dsn = Str.of(arguments.length > 0 ? arguments[0] : "sqlite:///jobs.db"), queue = Str.of("tasks");
        var threads = Executors.newSingleThreadExecutor(); // a waiting call occupies its thread, so it has one of its own
        try (Handle store = Handle.open((out, error) -> lib.pgqrs_store_open_wait(dsn, -1, out, error))) {
            try {
                for (int i = 0; i < 2; i++) { // the second one is refused
                    call(error -> lib.pgqrs_queue_create_wait(store.value, queue, -1, error));
                }
            } catch (PgqrsException e) {
                if (e.code != Pgqrs.QUEUE_EXISTS) throw e;
                System.out.println("refused with " + e.code + ": " + e.getMessage());
            }
            var consuming = threads.submit(() -> consume(lib, store, queue));
            try (Handle producer = Handle.open((out, error) -> lib.pgqrs_producer_open_wait(store.value, queue, -1, out, error))) {
                LongByReference id = new LongByReference(); // to be taken in 200 ms at the earliest
                call(error -> lib.pgqrs_enqueue_wait(producer.value, Str.of("{\"send\":\"welcome\"}"), 200, -1, id, error));
                System.out.println("stored as " + id.getValue());
            }
            consuming.get();
        } finally {
            threads.shutdown();
            lib.pgqrs_shutdown_wait(1_000);
        }
    }
}
