      *> The bank's program behind ACCT.CREATE.QUEUE, as the sandbox
      *> has it: one record a run. It reads REQUEST, writes REPLY, and
      *> keeps its accounts in ACCOUNTS, one line each. HELD is the
      *> address of the client as it stands, or empty.
      *>
      *> GnuCOBOL is ASCII inside, the records are EBCDIC (code page
      *> 500): they are converted by a table of our own, PAGE500.
      *> A record of another length, or a number that is none, is an
      *> abend: RETURN-CODE 8, and no reply.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. MAINFRAME.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT REQUEST-FILE ASSIGN TO "REQUEST"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT INQUIRY-FILE ASSIGN TO "REQUEST"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT UPDATE-FILE ASSIGN TO "REQUEST"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT HELD-FILE ASSIGN TO "HELD"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT REPLY-FILE ASSIGN TO "REPLY"
               ORGANIZATION SEQUENTIAL FILE STATUS FS.
           SELECT ACCOUNTS-FILE ASSIGN TO "ACCOUNTS"
               ORGANIZATION LINE SEQUENTIAL FILE STATUS FS.
       DATA DIVISION.
       FILE SECTION.
       FD  REQUEST-FILE.
       COPY "ACCTREQ.cpy".
       FD  INQUIRY-FILE.
       COPY "ACCTINQ.cpy".
       FD  UPDATE-FILE.
       COPY "ACCTUPD.cpy".
       COPY "ACCTVFY.cpy".
       FD  HELD-FILE.
       01  HELD-ADDRESS.
           05  HELD-LINE-1         PIC X(40).
           05  HELD-CITY           PIC X(20).
           05  HELD-PROVINCE       PIC X(2).
           05  HELD-POSTAL-CODE    PIC X(7).
       FD  REPLY-FILE.
       COPY "ACCTRPL.cpy".
       FD  ACCOUNTS-FILE.
       01  ACCOUNT-LINE.
           05  LINE-CLIENT-ID      PIC X(20).
           05  LINE-NUMBER         PIC X(12).
       WORKING-STORAGE SECTION.
       01  FS                      PIC XX.
       01  FILE-NAME               PIC X(8) VALUE "REQUEST".
       01  FILE-DETAILS.
           05  FILE-BYTES          PIC X(8) COMP-X.
           05  FILLER              PIC X(8).
       01  WANTED-CLIENT           PIC X(20).
       01  FOUND-NUMBER            PIC X(12) VALUE SPACES.
       01  ACCOUNTS-SO-FAR         PIC 9(10) VALUE 0.
       01  NEW-NUMBER.
           05  FILLER              PIC XX VALUE "WM".
           05  NEW-DIGITS          PIC 9(10).
       01  IS-INQUIRY              PIC X VALUE "N".
       01  IS-UPDATE               PIC X VALUE "N".
      *> Y: there; E: elsewhere; N: that was not asked.
       01  LIVES-THERE             PIC X VALUE "N".
       COPY "PAGE500.cpy".
       PROCEDURE DIVISION.
       MAIN-LINE.
           CALL "CBL_CHECK_FILE_EXIST" USING FILE-NAME FILE-DETAILS.
           EVALUATE FILE-BYTES
               WHEN LENGTH OF ACCOUNT-CREATE-REQUEST
                   PERFORM READ-REQUEST
               WHEN LENGTH OF ACCOUNT-INQUIRY-REQUEST
                   PERFORM READ-INQUIRY
               WHEN LENGTH OF ACCOUNT-UPDATE-REQUEST
                   PERFORM READ-UPDATE
               WHEN OTHER
                   DISPLAY "ABEND: A RECORD OF " FILE-BYTES " BYTES"
                   MOVE 8 TO RETURN-CODE
                   STOP RUN
           END-EVALUATE.
           PERFORM FIND-ACCOUNT.
           PERFORM ANSWER-REQUEST.
           STOP RUN.

       READ-REQUEST.
           OPEN INPUT REQUEST-FILE.
           READ REQUEST-FILE.
           INSPECT ACCOUNT-CREATE-REQUEST
               CONVERTING EBCDIC-SIDE TO ASCII-SIDE.
           IF TRAN-CODE OF ACCOUNT-CREATE-REQUEST NOT = "ACCT"
               DISPLAY "ABEND: TRAN-CODE"
               MOVE 8 TO RETURN-CODE
               STOP RUN
           END-IF.
           IF SSN NOT NUMERIC
               DISPLAY "ABEND: SSN IS NOT NUMERIC"
               MOVE 8 TO RETURN-CODE
               STOP RUN
           END-IF.
           MOVE CLIENT-ID OF ACCOUNT-CREATE-REQUEST TO WANTED-CLIENT.
           CLOSE REQUEST-FILE.

       READ-INQUIRY.
           MOVE "Y" TO IS-INQUIRY.
           OPEN INPUT INQUIRY-FILE.
           READ INQUIRY-FILE.
           INSPECT ACCOUNT-INQUIRY-REQUEST
               CONVERTING EBCDIC-SIDE TO ASCII-SIDE.
           IF TRAN-CODE OF ACCOUNT-INQUIRY-REQUEST NOT = "ACIN"
               DISPLAY "ABEND: TRAN-CODE"
               MOVE 8 TO RETURN-CODE
               STOP RUN
           END-IF.
           MOVE CLIENT-ID OF ACCOUNT-INQUIRY-REQUEST TO WANTED-CLIENT.
           CLOSE INQUIRY-FILE.

      *> An inquiry about an address has the form of an update.
       READ-UPDATE.
           OPEN INPUT UPDATE-FILE.
           READ UPDATE-FILE.
           INSPECT ACCOUNT-UPDATE-REQUEST
               CONVERTING EBCDIC-SIDE TO ASCII-SIDE.
           EVALUATE TRAN-CODE OF ACCOUNT-UPDATE-REQUEST
               WHEN "ACUP"
                   MOVE "Y" TO IS-UPDATE
               WHEN "ACVF"
                   MOVE "Y" TO IS-INQUIRY
                   PERFORM READ-HELD
               WHEN OTHER
                   DISPLAY "ABEND: TRAN-CODE"
                   MOVE 8 TO RETURN-CODE
                   STOP RUN
           END-EVALUATE.
           IF ADDRESS-LINE-1 OF ACCOUNT-UPDATE-REQUEST = SPACES
               OR CITY OF ACCOUNT-UPDATE-REQUEST = SPACES
               DISPLAY "ABEND: AN ADDRESS IS MISSING"
               MOVE 8 TO RETURN-CODE
               STOP RUN
           END-IF.
           MOVE CLIENT-ID OF ACCOUNT-UPDATE-REQUEST TO WANTED-CLIENT.
           CLOSE UPDATE-FILE.

       READ-HELD.
           MOVE "E" TO LIVES-THERE.
           OPEN INPUT HELD-FILE.
           IF FS = "00"
               READ HELD-FILE
               INSPECT HELD-ADDRESS
                   CONVERTING EBCDIC-SIDE TO ASCII-SIDE
               IF FS = "00"
                   AND HELD-LINE-1 =
                       ADDRESS-LINE-1 OF ADDRESS-INQUIRY-REQUEST
                   AND HELD-CITY = CITY OF ADDRESS-INQUIRY-REQUEST
                   AND HELD-PROVINCE =
                       PROVINCE OF ADDRESS-INQUIRY-REQUEST
                   AND HELD-POSTAL-CODE =
                       POSTAL-CODE OF ADDRESS-INQUIRY-REQUEST
                   MOVE "Y" TO LIVES-THERE
               END-IF
               CLOSE HELD-FILE
           END-IF.

       FIND-ACCOUNT.
           OPEN INPUT ACCOUNTS-FILE.
           IF FS = "00"
               PERFORM UNTIL FS NOT = "00"
                   READ ACCOUNTS-FILE
                   IF FS = "00"
                       ADD 1 TO ACCOUNTS-SO-FAR
                       IF LINE-CLIENT-ID = WANTED-CLIENT
                           MOVE LINE-NUMBER TO FOUND-NUMBER
                       END-IF
                   END-IF
               END-PERFORM
               CLOSE ACCOUNTS-FILE
           END-IF.

       ANSWER-REQUEST.
           MOVE SPACES TO ACCOUNT-REPLY.
           MOVE "ACRP" TO TRAN-CODE OF ACCOUNT-REPLY.
           MOVE WANTED-CLIENT TO CLIENT-ID OF ACCOUNT-REPLY.
           EVALUATE TRUE
               WHEN FOUND-NUMBER NOT = SPACES AND LIVES-THERE = "Y"
                   SET ACCOUNT-EXISTS TO TRUE
                   MOVE FOUND-NUMBER TO ACCOUNT-NUMBER
                   MOVE "SUCCESS: LIVES THERE" TO REASON
               WHEN FOUND-NUMBER NOT = SPACES AND LIVES-THERE = "E"
                   SET ACCOUNT-ABSENT TO TRUE
                   MOVE "LIVES ELSEWHERE" TO REASON
               WHEN FOUND-NUMBER NOT = SPACES AND IS-UPDATE = "Y"
                   SET ACCOUNT-CREATED TO TRUE
                   MOVE FOUND-NUMBER TO ACCOUNT-NUMBER
                   MOVE "SUCCESS: UPDATED" TO REASON
               WHEN FOUND-NUMBER NOT = SPACES
                   SET ACCOUNT-EXISTS TO TRUE
                   MOVE FOUND-NUMBER TO ACCOUNT-NUMBER
                   MOVE "SUCCESS: WAS THERE" TO REASON
               WHEN IS-INQUIRY = "Y" OR IS-UPDATE = "Y"
                   SET ACCOUNT-ABSENT TO TRUE
                   MOVE "NO SUCH CLIENT" TO REASON
               WHEN OTHER
                   PERFORM CREATE-ACCOUNT
           END-EVALUATE.
           INSPECT ACCOUNT-REPLY
               CONVERTING ASCII-SIDE TO EBCDIC-SIDE.
           OPEN OUTPUT REPLY-FILE.
           WRITE ACCOUNT-REPLY.
           CLOSE REPLY-FILE.

       CREATE-ACCOUNT.
           ADD 1 TO ACCOUNTS-SO-FAR GIVING NEW-DIGITS.
           MOVE WANTED-CLIENT TO LINE-CLIENT-ID.
           MOVE NEW-NUMBER TO LINE-NUMBER.
           OPEN EXTEND ACCOUNTS-FILE.
           IF FS NOT = "00"
               OPEN OUTPUT ACCOUNTS-FILE
           END-IF.
           WRITE ACCOUNT-LINE.
           CLOSE ACCOUNTS-FILE.
           SET ACCOUNT-CREATED TO TRUE.
           MOVE NEW-NUMBER TO ACCOUNT-NUMBER.
           MOVE "SUCCESS" TO REASON.
