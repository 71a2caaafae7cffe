# Ten of NTU RGB+D's actions, which the made sample shows.
actions = [1, 6, 8, 9, 10, 23, 24, 26, 43, 50]
class_names = [
    ('drink water', 'one hand rises to the mouth, stays there and lowers'),
    ('pick up', 'the torso bends down, one hand reaches the floor, both rise'),
    ('sit down', 'the knees bend and the hips sink back and stay low'),
    ('stand up', 'the knees straighten and the hips rise from a seat'),
    ('clapping', 'both hands meet in front of the chest again and again'),
    ('hand waving', 'one raised hand swings from side to side'),
    ('kicking something', 'one leg swings forward and back while one stands'),
    ('hopping', 'the body bounces up and down on one leg'),
    ('falling down', 'the whole body drops to the floor and lies there'),
    ('punch or slap another person',
     'one arm of a person strikes out at the other person'),
]
