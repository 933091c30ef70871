# frozen_string_literal: true

# Stores a message, takes it, and finishes it, with nothing but Ruby's own fiddle:
#
#     make lib && PGQRS_LIBRARY=build/libpgqrs.so.1 ruby examples/ruby/quickstart.rb sqlite:///jobs.db
#
# A process that has loaded the library must not fork and go on using it. Puma,
# Unicorn, Resque and Spring fork: load it afterwards, as in on_worker_boot.

require 'fiddle'
require 'io/wait'

# What pgqrs.h declares, as far as it is used here.
module Native
  POINTER, INT, LONG = Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT, Fiddle::TYPE_LONG_LONG
  QUEUE_EXISTS = -402
  OUTCOME = [LONG, LONG, POINTER, POINTER].freeze # cq, user_data, op, error

  LIBRARY = Fiddle.dlopen(ENV.fetch('PGQRS_LIBRARY', 'libpgqrs.so.1'))
  {
    abi_version: [], runtime_wait: [], shutdown_wait: [LONG], close: [LONG], error_info: [LONG, POINTER],
    cq_open: [POINTER, POINTER], cq_fd: [LONG, POINTER], cq_poll: [LONG, POINTER, INT],
    store_open: [POINTER, *OUTCOME], store_stop: [LONG, *OUTCOME], queue_create: [LONG, POINTER, POINTER, *OUTCOME],
    producer_open: [LONG, POINTER, POINTER, *OUTCOME], consumer_open: [LONG, POINTER, POINTER, *OUTCOME],
    enqueue: [LONG, POINTER, INT, POINTER, *OUTCOME], dequeue: [LONG, POINTER, *OUTCOME],
    archive: [LONG, POINTER, INT, *OUTCOME], result_ids: [LONG, POINTER], result_messages: [LONG, POINTER]
  }.each do |name, parameters|
    function = Fiddle::Function.new(LIBRARY["pgqrs_#{name}"], parameters, INT)
    define_singleton_method(name) { |*arguments| function.call(*arguments) }
  end
  raise LoadError, 'the library has another ABI' unless abi_version == 1

  runtime_wait

  # A pgqrs_str. The packed string keeps the text alive.
  def self.str(text) = [text, text.bytesize].pack('pQ')

  # The text that a view shows, copied.
  def self.text(address, length) = Fiddle::Pointer.new(address)[0, length].force_encoding('UTF-8')

  # The records of a result, copied and unpacked.
  def self.records(read, result, format)
    list = "\0".b * 16
    public_send(read, result, list)
    items, size, count = list.unpack('JLL')
    Array.new(count) { |i| Fiddle::Pointer.new(items + (i * size))[0, size].unpack(format) }
  end
end

# A failed call: a status of pgqrs.h, and what is wrong and what mends it.
class PgqrsError < StandardError
  attr_reader :code

  def initialize(code, error)
    detail = [80].pack('Lx76') # pgqrs_error_detail
    Native.error_info(error, detail)
    super(Native.text(*detail.unpack('x8QQ')))
    @code = code
    Native.close(error)
  end
end

# A completion queue. While it waits, a fiber scheduler runs other fibers.
class Completions
  def initialize
    Native.cq_open(nil, out = "\0".b * 8)
    @cq = out.unpack1('q')
    Native.cq_fd(@cq, out)
    @readable = IO.for_fd(out.unpack1('l'), autoclose: false).dup # the library owns the other
    @calls = 0
    @results = {}
  end

  # Makes an asynchronous call and answers its result.
  def call(name, *arguments)
    error = "\0".b * 8
    status = Native.public_send(name, *arguments, @cq, @calls += 1, nil, error)
    raise PgqrsError.new(status, error.unpack1('q')) if status.negative?

    result = take(@calls)
    result.is_a?(Exception) ? raise(result) : result
  end

  def close
    @readable.close # before the descriptor it is a copy of
    Native.close(@cq)
  end

  private

  # One caller at a time; a program with many fibers lets one of them poll for all.
  def take(call)
    completions = "\0".b * 32 * 16
    until @results.key?(call)
      count = Native.cq_poll(@cq, completions, 16)
      raise "the completion queue answers #{count}" if count.negative?

      @readable.wait_readable if count.zero?
      completions.unpack('qlLqq' * count).each_slice(5) do |id, status, _flags, result, error|
        @results[id] = status.negative? ? PgqrsError.new(status, error) : result
      end
    end
    @results.delete(call)
  end
end

def work(calls, dsn)
  queue = Native.str('tasks')
  store = calls.call(:store_open, [40, 0, dsn, dsn.bytesize, 0, 0].pack('LLpQQQ'))
  begin
    2.times { Native.close(calls.call(:queue_create, store, queue, nil)) } # the second one is refused
  rescue PgqrsError => e
    raise unless e.code == Native::QUEUE_EXISTS

    puts "refused with #{e.code}: #{e.message}"
  end
  producer = calls.call(:producer_open, store, queue, nil)
  consumer = calls.call(:consumer_open, store, queue, nil)

  # With a dedup key it may be repeated: the second call answers the first one's id.
  options = [32, 0, 0, 0, Native.str('welcome ada')].pack('LLqqP')
  2.times do
    stored = calls.call(:enqueue, producer, Native.str('{"send":"welcome"}'), 1, options)
    puts "stored as #{Native.records(:result_ids, stored, 'q').first.first}"
    Native.close(stored)
  end

  # At most ten, leased for 30 s, after waiting for 1 s at most.
  batch = calls.call(:dequeue, consumer, [48, 0, 10, 0, 30_000, 1_000, 0, 0].pack('L4q4'))
  Native.records(:result_messages, batch, 'q8QQQQlL').each do |id, *, payload, length, _, _, read_ct, _|
    puts "working on #{Native.text(payload, length)}"
    Native.close(calls.call(:archive, consumer, [id, read_ct, 0].pack('qlL'), 1))
  end
  Native.close(batch)
ensure
  calls.call(:store_stop, store) if store # with its producers and consumers
end

calls = Completions.new
at_exit do
  calls.close
  Native.shutdown_wait(1_000)
end
work(calls, ARGV.fetch(0, 'sqlite:///jobs.db'))
