"""What a run will cost, before it is begun: work is counted from the recipe and its documents (`counts`, `work`), a device turns it
into time (`device`, `measure`), and `cost` adds up hours, bytes and memory, each with the range in which it should lie."""
