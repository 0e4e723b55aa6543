import re
from collections import Counter

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def count(event, context):
    words = [word.casefold() for word in WORD.findall(event['text'])]
    print(f'{len(words)} words, {context.get_remaining_time_in_millis()} ms left')
    return {'words': len(words), 'mostFrequent': Counter(words).most_common(event.get('most', 3))}
